package org.finetune4j.model.family;

import java.util.List;

/** How the frequencies of rotary positions are changed for texts longer than those of pretraining. */
public sealed interface RotaryScaling {
    /** The frequency of every pair in a pass whose largest position is {@code length - 1}. */
    double[] frequencies(Rotary rotary, int length);

    /** The factor on cosines and sines. */
    default double magnitude() {
        return 1;
    }

    /** Whether the frequencies depend on the length. */
    default boolean byLength() {
        return false;
    }

    /** Which of its sets of frequencies a pass of this length has: lengths of one regime share theirs. */
    default int regime(int length) {
        return 0;
    }

    /**
     * Whether a text may grow from one regime into another while the keys in its cache stay as they are, as transformers has
     * it for dynamic scaling.
     */
    default boolean growsWithItsCache() {
        return true;
    }

    /** Plain frequencies. */
    record None() implements RotaryScaling {
        @Override
        public double[] frequencies(Rotary rotary, int length) {
            return rotary.plainFrequencies(rotary.theta());
        }
    }

    /** Positions divided by a factor (arXiv 2306.15595). */
    record Linear(double factor) implements RotaryScaling {
        @Override
        public double[] frequencies(Rotary rotary, int length) {
            double[] frequencies = rotary.plainFrequencies(rotary.theta());
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] /= factor;
            }
            return frequencies;
        }
    }

    /**
     * A base that grows with the length of a pass beyond that of pretraining (dynamic NTK).
     *
     * @param original longest text of pretraining in tokens
     */
    record Dynamic(double factor, int original) implements RotaryScaling {
        @Override
        public double[] frequencies(Rotary rotary, int length) {
            double growth = factor * Math.max(length, original) / original - (factor - 1);
            return rotary.plainFrequencies(rotary.theta()
                    * Math.pow(growth, rotary.dimensions() / (rotary.dimensions() - 2.0)));
        }

        @Override
        public int regime(int length) {
            return Math.max(length, original);
        }

        @Override
        public boolean byLength() {
            return true;
        }
    }

    /**
     * Long waves divided by a factor, short ones left, a smooth passage between (Llama 3.1, arXiv 2407.21783).
     *
     * @param low      so many turns within {@code original} tokens, or fewer, make a long wave
     * @param high     so many turns, or more, make a short one
     * @param original longest text of pretraining in tokens
     */
    record Llama3(double factor, double low, double high, int original) implements RotaryScaling {
        @Override
        public double[] frequencies(Rotary rotary, int length) {
            double[] frequencies = rotary.plainFrequencies(rotary.theta());
            for (int i = 0; i < frequencies.length; i++) {
                double turns = original * frequencies[i] / (2 * Math.PI);
                double kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
                frequencies[i] *= kept + (1 - kept) / factor;
            }
            return frequencies;
        }
    }

    /**
     * Long waves divided by a factor, short ones left, a ramp over pairs between (YaRN, arXiv 2309.00071).
     *
     * @param fast      turns within {@code original} tokens from which a wave is left
     * @param slow      turns up to which it is divided
     * @param original  longest text of pretraining in tokens
     * @param whole     whether the ramp begins and ends at whole pairs
     * @param magnitude the factor on cosines and sines
     */
    record Yarn(double factor, double fast, double slow, int original, boolean whole, double magnitude)
            implements RotaryScaling {
        @Override
        public double[] frequencies(Rotary rotary, int length) {
            double begin = pair(rotary, fast);
            double end = pair(rotary, slow);
            begin = Math.max(0, whole ? Math.floor(begin) : begin);
            end = Math.min(rotary.dimensions() - 1, whole ? Math.ceil(end) : end);
            end = begin == end ? end + 0.001 : end;
            double[] frequencies = rotary.plainFrequencies(rotary.theta());
            for (int i = 0; i < frequencies.length; i++) {
                double divided = Math.min(1, Math.max(0, (i - begin) / (end - begin)));
                frequencies[i] *= 1 - divided + divided / factor;
            }
            return frequencies;
        }

        /** The pair, as a real number, whose wave makes so many turns within the texts of pretraining. */
        private double pair(Rotary rotary, double turns) {
            return rotary.dimensions() * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(rotary.theta()));
        }
    }

    /**
     * A divisor for every pair, of one list for texts as long as in pretraining and of another for longer ones (LongRoPE,
     * arXiv 2402.13753).
     *
     * @param shortFactors divisors up to {@code original} tokens
     * @param longFactors  divisors beyond
     * @param original     longest text of pretraining in tokens
     * @param magnitude    the factor on cosines and sines
     */
    record LongRope(List<Double> shortFactors, List<Double> longFactors, int original, double magnitude)
            implements RotaryScaling {
        @Override
        public double[] frequencies(Rotary rotary, int length) {
            List<Double> factors = length > original ? longFactors : shortFactors;
            double[] frequencies = rotary.plainFrequencies(rotary.theta());
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] /= factors.get(i);
            }
            return frequencies;
        }

        @Override
        public int regime(int length) {
            return length > original ? 1 : 0;
        }

        @Override
        public boolean growsWithItsCache() {
            return false;
        }

        @Override
        public boolean byLength() {
            return true;
        }
    }
}
