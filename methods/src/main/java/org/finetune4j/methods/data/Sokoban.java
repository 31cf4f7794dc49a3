package org.finetune4j.methods.data;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.puzzle.AnswerForm;
import org.finetune4j.methods.data.puzzle.LabelSet;
import org.finetune4j.methods.data.puzzle.Move;
import org.finetune4j.methods.data.puzzle.SokobanBoard;
import org.finetune4j.methods.data.puzzle.SokobanGame;
import org.finetune4j.methods.data.puzzle.SokobanRoom;
import org.finetune4j.tokenizer.Message;

/**
 * Boards of Sokoban with the next moves of a shortest solution; the prompt says what the moves are called. With labels
 * that are drawn again for every sample, words and rule come apart (prompt diversity).
 *
 * <p>Debunk the Myth of SFT Generalization, arXiv 2510.00237. Every position on a shortest solution (breadth first, at
 * most 30 moves, tried in the order Up, Down, Left, Right) gives one sample; equal seeds give equal boards.
 *
 * @param rows   how many samples, at least 1; default 10 000
 * @param height rows of a board with its walls, 4 to 16; default 6
 * @param width  columns of a board with its walls, 4 to 16; default 6
 * @param boxes  boxes of a board, at least 1 and fewer than its free cells; default 1
 * @param labels what the moves are called; default WORDS: the same plain words in every sample
 * @param form   with or without a plan; default ANSWER
 * @param moves  moves that an answer gives at most, at least 1; default 1
 * @param seed   decides the boards and the labels
 */
public record Sokoban(int rows, int height, int width, int boxes, LabelSet labels, AnswerForm form, int moves,
        long seed)
        implements DataGenerator {
    /** The puzzle of the prompt-diversity study, 2025. */
    public static final Method<Sokoban> METHOD = new Method<>("sokoban", Method.Kind.DATA,
            "Debunk the Myth of SFT Generalization (Sokoban)", "arXiv 2510.00237",
            settings -> new Sokoban(settings.whole("rows", 10_000), settings.whole("height", 6),
            settings.whole("width", 6),
                    settings.whole("boxes", 1), settings.choice("labels", LabelSet.WORDS),
                    settings.choice("form", AnswerForm.ANSWER), settings.whole("moves", 1),
                    settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Sokoban {
        Settings.require(rows >= 1, "sokoban", "rows", rows, "at least 1");
        Settings.require(height >= 4 && height <= 16, "sokoban", "height", height, "at least 4 and at most 16");
        Settings.require(width >= 4 && width <= 16, "sokoban", "width", width, "at least 4 and at most 16");
        int free = (height - 2) * (width - 2);
        Settings.require(boxes >= 1 && boxes < free, "sokoban", "boxes", boxes,
                "at least 1 and below the " + free + " free cells, for the player needs one");
        Settings.require(moves >= 1, "sokoban", "moves", moves, "at least 1");
    }

    @Override
    public Method<Sokoban> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        return IntStream.iterate(0, board -> board + 1).boxed().flatMap(this::positions).limit(rows)
                .map(new Numbered()::sample);
    }

    /** Boards at their beginning with what the moves are called, without end, as a probe plays them. */
    public Stream<SokobanGame> games() {
        return IntStream.iterate(0, board -> board + 1).mapToObj(board -> new SokobanGame(drawn(board).board(),
                labels.labels(new Draws(seed, "sokoban labels", board))));
    }

    private SokobanRoom.Solved drawn(int board) {
        return new SokobanRoom(height, width, boxes).draw(new Draws(seed, "sokoban board", board));
    }

    private Stream<SokobanRoom.Solved> positions(int number) {
        SokobanRoom.Solved start = drawn(number);
        Stream.Builder<SokobanRoom.Solved> positions = Stream.builder();
        SokobanBoard at = start.board();
        for (int i = 0; i < start.solution().size(); i++) {
            positions.add(new SokobanRoom.Solved(at, start.solution().subList(i, start.solution().size())));
            at = Objects.requireNonNull(at.after(start.solution().get(i)));
        }
        return positions.build();
    }

    /** Counts the samples of one pass. */
    private final class Numbered {
        private int next;

        Sample sample(SokobanRoom.Solved position) {
            SokobanGame game = new SokobanGame(position.board(),
                    labels.labels(new Draws(seed, "sokoban sample", next)));
            List<Move> solution = position.solution();
            return new Sample(id(seed, next++), List.of(Message.user(game.prompt()),
                    Message.assistant(game.answer(form, solution, moves))), List.of(), null,
                    Map.of("solution", String.join(" ", solution.stream().map(Move::word).toList())));
        }
    }
}
