package org.finetune4j.methods.evaluate;

import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;

/**
 * How several answers to one prompt are drawn.
 *
 * @param samples     answers to each prompt, at least 1
 * @param temperature divides the logits, finite and at least 0; 0 takes the most probable token always
 * @param topP        only the most probable tokens are drawn whose probabilities reach this sum, in (0, 1]
 * @param seed        what is drawn; the same seed gives the same answers
 */
public record Sampling(int samples, double temperature, double topP, long seed) {
    /** The one most probable answer. */
    public static final Sampling GREEDY = new Sampling(1, 0, 1, 0);

    /**
     * Refuses settings out of range.
     *
     * @param name   the name of {@code samples} in the metric
     * @throws FinetuneException that names the setting and its range
     */
    static Sampling of(String metric, String name, int samples, double temperature, double topP, long seed) {
        Settings.require(samples >= 1, metric, name, samples, "at least 1");
        Settings.require(temperature >= 0 && Double.isFinite(temperature), metric, "temperature", temperature,
                "a finite number of at least 0");
        Settings.require(topP > 0 && topP <= 1, metric, "topP", topP, "in (0, 1]");
        if (samples > 1 && temperature == 0) {
            throw new FinetuneException(metric + ": " + name + " is " + samples + " at temperature 0, where all answers to "
                    + "a prompt are the same. Choose a temperature, such as 0.8, or " + name + " = 1.");
        }
        return new Sampling(samples, temperature, topP, seed);
    }

    /** The draw as a part of a signature. */
    String signature() {
        return temperature == 0 ? "samples:" + samples + "|greedy" : "samples:" + samples + "|temperature:" + temperature
                + "|topP:" + topP + "|seed:" + seed;
    }
}
