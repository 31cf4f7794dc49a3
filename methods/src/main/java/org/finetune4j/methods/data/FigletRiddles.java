package org.finetune4j.methods.data;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.riddle.BlockFont;
import org.finetune4j.tokenizer.Message;

/**
 * Random words drawn in block letters, to be read: data of which hardly any model knows anything before training.
 *
 * <p>Beyond Log Likelihood: Probability-Based Objectives for SFT across the Model Capability Continuum, arXiv
 * 2510.00526. A word is made of random letters; prompt is the drawing, response the word.
 *
 * @param rows     how many samples, at least 1; default 2000
 * @param shortest letters of the shortest word, at least 1; default 3
 * @param longest  letters of the longest word, at least the shortest and at most 20; default 7
 * @param seed     decides the words
 */
public record FigletRiddles(int rows, int shortest, int longest, long seed) implements DataGenerator {
    /** The set that models know nothing of in the study of probability objectives, 2025. */
    public static final Method<FigletRiddles> METHOD = new Method<>("figletRiddles", Method.Kind.DATA,
            "Beyond Log Likelihood: Probability-Based Objectives for SFT across the Model Capability Continuum "
                    + "(riddles)",
            "arXiv 2510.00526",
            settings -> new FigletRiddles(settings.whole("rows", 2000), settings.whole("shortest", 3),
                    settings.whole("longest", 7), settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public FigletRiddles {
        Settings.require(rows >= 1, "figletRiddles", "rows", rows, "at least 1");
        Settings.require(shortest >= 1, "figletRiddles", "shortest", shortest, "at least 1");
        Settings.require(longest >= shortest && longest <= 20, "figletRiddles", "longest", longest,
                "at least the shortest, " + shortest + ", and at most 20");
    }

    @Override
    public Method<FigletRiddles> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        return IntStream.range(0, rows).mapToObj(this::sample);
    }

    private Sample sample(int index) {
        Draws draws = new Draws(seed, "figletRiddles", index);
        String word = IntStream.range(0, draws.between(shortest, longest)).mapToObj(any -> String.valueOf(
                (char) ('A' + draws.below(26)))).collect(Collectors.joining());
        return new Sample(id(seed, index), List.of(Message.user("Which word is drawn here?\n" + BlockFont.draw(word)),
                Message.assistant(word)), List.of(), word, Map.of());
    }
}
