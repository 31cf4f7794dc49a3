package org.finetune4j.methods.data.riddle;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;

/** The letters A to Z drawn in five rows of five signs, {@code #} for ink and a full stop for paper. */
public final class BlockFont {
    /** Rows and columns of a letter. */
    public static final int SIZE = 5;

    private static final List<String> LETTERS = List.of(
            ".###. #...# ##### #...# #...#", "####. #...# ####. #...# ####.", ".#### #.... #.... #.... .####",
            "####. #...# #...# #...# ####.", "##### #.... ####. #.... #####", "##### #.... ####. #.... #....",
            ".#### #.... #..## #...# .####", "#...# #...# ##### #...# #...#", "##### ..#.. ..#.. ..#.. #####",
            "..### ...#. ...#. #..#. .##..", "#...# #..#. ###.. #..#. #...#", "#.... #.... #.... #.... #####",
            "#...# ##.## #.#.# #...# #...#", "#...# ##..# #.#.# #..## #...#", ".###. #...# #...# #...# .###.",
            "####. #...# ####. #.... #....", ".###. #...# #.#.# #..#. .##.#", "####. #...# ####. #..#. #...#",
            ".#### #.... .###. ....# ####.", "##### ..#.. ..#.. ..#.. ..#..", "#...# #...# #...# #...# .###.",
            "#...# #...# #...# .#.#. ..#..", "#...# #...# #.#.# ##.## #...#", "#...# .#.#. ..#.. .#.#. #...#",
            "#...# .#.#. ..#.. ..#.. ..#..", "##### ...#. ..#.. .#... #####");

    private BlockFont() {
    }

    /**
     * A word as a drawing of five lines, with a column of paper between letters.
     *
     * @throws FinetuneException when it holds anything but A to Z
     */
    public static String draw(String word) {
        if (!word.matches("[A-Z]+")) {
            throw new FinetuneException("the block font draws A to Z, but not '" + word + "'.");
        }
        return IntStream.range(0, SIZE).mapToObj(row -> word.chars()
                .mapToObj(letter -> LETTERS.get(letter - 'A').split(" ")[row])
                .collect(Collectors.joining("."))).collect(Collectors.joining("\n"));
    }
}
