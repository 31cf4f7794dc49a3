package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;

/** The texts that diversity is measured of. */
final class Outputs {
    private Outputs() {
    }

    /** All answers to all prompts. */
    static List<String> of(List<Sample> asked, Examinee model, Sampling sampling) {
        return sampling.temperature() == 0 ? model.answers(asked)
                : model.answers(asked, sampling).stream().flatMap(List::stream).toList();
    }

    /** The texts with at least {@code n} tokens, of which there must be one. */
    static <T> List<List<T>> longEnough(String metric, List<List<T>> texts, int n) {
        References.requireAny(metric, texts);
        List<List<T>> kept = texts.stream().filter(text -> text.size() >= n).toList();
        if (kept.isEmpty()) {
            throw new FinetuneException(metric + ": none of the " + texts.size() + " answers has " + n + " of what is "
                    + "counted. Choose a smaller n, or more new tokens.");
        }
        return kept;
    }
}
