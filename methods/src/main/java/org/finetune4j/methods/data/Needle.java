package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.puzzle.WordPool;
import org.finetune4j.methods.data.table.NeedleGrid;
import org.finetune4j.methods.data.text.TextPieces;
import org.finetune4j.tokenizer.Message;

/**
 * A sentence with a number somewhere in a long text of other sentences, and a question for the number: one sample for
 * every length, depth and repetition, to hold out.
 *
 * <p>LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv
 * 2406.00605; {@link NeedleGrid} makes the grid of what was found.
 *
 * @param lengths   lengths of a prompt in pieces, such as {@code 1024}, each at least 100; default 512, 1024, 2048,
 *                  4096
 * @param depths    where the sentence stands in % of the text, each from 0 to 100; default 0, 25, 50, 75, 100
 * @param each      samples for every length and depth, at least 1; default 5
 * @param tokenizer folder with the tokenizer whose tokens are the pieces; empty (the default): words and signs
 * @param seed      decides texts and numbers
 */
public record Needle(List<String> lengths, List<String> depths, int each, String tokenizer, long seed)
        implements DataGenerator {
    /** A needle in a haystack, 2023. */
    public static final Method<Needle> METHOD = new Method<>("needle", Method.Kind.DATA,
            "LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models (needle)",
            "arXiv 2406.00605",
            settings -> new Needle(settings.texts("lengths", List.of("512", "1024", "2048", "4096")),
                    settings.texts("depths", List.of("0", "25", "50", "75", "100")), settings.whole("each", 5),
                    settings.text("tokenizer", ""), settings.whole("seed", 42L)));

    private static final List<String> OPENINGS =
            List.of("The morning was", "Every street seemed", "The old harbour lay",
            "Her letters were", "The garden looked", "That winter felt", "The market stayed", "His voice sounded");
    private static final List<String> MIDDLES =
            List.of("quiet and", "bright and", "slow but", "pleasant but", "cold and",
            "familiar but", "plain and", "strange but");
    private static final List<String> ENDS = List.of("calm.", "full of people.", "a little sad.", "easy to like.",
            "without any hurry.", "as it had always been.", "open to the sea.", "far from home.");

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Needle {
        lengths = List.copyOf(lengths);
        depths = List.copyOf(depths);
        Settings.require(!lengths.isEmpty(), "needle", "lengths", lengths, "at least one length");
        Settings.require(!depths.isEmpty(), "needle", "depths", depths, "at least one depth");
        Settings.require(each >= 1, "needle", "each", each, "at least 1");
        lengths.forEach(length -> number("lengths", length, 100, Integer.MAX_VALUE));
        depths.forEach(depth -> number("depths", depth, 0, 100));
    }

    private static int number(String name, String text, int least, int most) {
        try {
            int number = Integer.parseInt(text.strip());
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Refused below.
        }
        throw new FinetuneException("needle: setting '" + name + "' holds '" + text
                + "', but needs whole numbers of at "
                + "least " + least + " and at most " + most + ".");
    }

    @Override
    public Method<Needle> method() {
        return METHOD;
    }

    @Override
    public String files() {
        return TextPieces.fingerprint(tokenizer);
    }

    @Override
    public Stream<Sample> generate() {
        TextPieces pieces = TextPieces.of(tokenizer);
        return IntStream.range(0, lengths.size() * depths.size() * each).mapToObj(index -> sample(index, pieces))
                .onClose(pieces::close);
    }

    private Sample sample(int index, TextPieces pieces) {
        Draws draws = new Draws(seed, "needle", index);
        String length = lengths.get(index / (depths.size() * each));
        String depth = depths.get(index / each % depths.size());
        String name = draws.pick(WordPool.WORDS);
        String number = String.valueOf(draws.between(10_000, 99_999));
        String needle = "The number of the " + name + " is " + number + ".";
        String question = "\n\nWhat is the number of the " + name + "?";
        List<String> text = new ArrayList<>();
        int left = number("lengths", length, 100, Integer.MAX_VALUE) - pieces.count(needle + question);
        for (String next = sentence(draws); left >= pieces.count(next); next = sentence(draws)) {
            left -= pieces.count(" " + next);
            text.add(next);
        }
        text.add((int) Math.round(number("depths", depth, 0, 100) / 100.0 * text.size()), needle);
        return new Sample(id(seed, index), List.of(Message.user(String.join(" ", text) + question),
                Message.assistant(number)), List.of(), number, Map.of("length", length.strip(), "depth",
                depth.strip()));
    }

    private static String sentence(Draws draws) {
        return draws.pick(OPENINGS) + " " + draws.pick(MIDDLES) + " " + draws.pick(ENDS);
    }
}
