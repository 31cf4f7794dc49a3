package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;

/**
 * How much of a model decides the next token. All but the whole model are worth something where the model was trained to end
 * behind several of its blocks.
 *
 * <p>Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic Inference,
 * arXiv 2309.08968.
 */
public sealed interface Depth {
    /** The whole model. */
    Depth WHOLE = new Whole();

    /** All blocks, always. */
    record Whole() implements Depth {
    }

    /**
     * The first blocks alone.
     *
     * @param block the last one, from 1
     */
    record ExitAt(int block) implements Depth {
    }

    /**
     * As many blocks as it takes: a token is chosen behind the first exit at which the most probable one has at least the
     * exit's threshold, or else behind the last block.
     *
     * @param thresholds probabilities in [0, 1] by the block of the exit, the last block left out; none for the paper's: behind
     *                   30 % to 90 % of the blocks 0.95, 0.95, 0.9, 0.9, 0.8, 0.8 and 0.7
     */
    record ConfidenceExit(Map<Integer, Double> thresholds) implements Depth {
        private static final double[] PAPER = {0.95, 0.95, 0.9, 0.9, 0.8, 0.8, 0.7};

        /** Refuses thresholds that are no probabilities. */
        public ConfidenceExit {
            thresholds = Map.copyOf(thresholds);
            thresholds.forEach((block, threshold) -> {
                if (!(threshold >= 0 && threshold <= 1)) {
                    throw new FinetuneException("confidenceExit: the threshold of block " + block + " is " + threshold
                            + ", but must be in [0, 1].");
                }
            });
        }

        /**
         * The thresholds by their blocks for a model of so many.
         *
         * @throws FinetuneException when the model has no such exit
         */
        TreeMap<Integer, Double> of(int layers) {
            TreeMap<Integer, Double> found = new TreeMap<>(thresholds);
            if (thresholds.isEmpty()) {
                for (int i = 0; i < PAPER.length; i++) {
                    found.putIfAbsent(tenth(layers, FIRST_TENTH + i), PAPER[i]);
                }
                found.remove(layers);
            }
            found.keySet().forEach(block -> requireExit("confidenceExit", block, layers));
            return found;
        }
    }

    /**
     * The first blocks draft several tokens, the whole model reads them in one pass, and those are kept that it would have
     * chosen itself: what comes is what the whole model alone generates.
     *
     * @param block  the last block of those that draft, from 1 and less than the model's last
     * @param window tokens that are drafted at first, at least 1: two more whenever all were kept, and else one less
     */
    record SelfSpeculative(int block, int window) implements Depth {
        /** The paper's window. */
        public static final int WINDOW = 4;

        /** Refuses a window out of range. */
        public SelfSpeculative {
            if (window < 1) {
                throw new FinetuneException("selfSpeculative: window is " + window + ", but must be at least 1.");
            }
        }
    }

    /** The first of the tenths behind which the paper has exits. */
    int FIRST_TENTH = 3;

    private static int tenth(int layers, int tenths) {
        return Math.max(1, (int) Math.round(layers * tenths / 10.0));
    }

    /** The blocks nearest to 30 %, 40 % and so on up to all of a model's, each once: the paper's choice for 40. */
    static List<Integer> paperExits(int layers) {
        return IntStream.rangeClosed(FIRST_TENTH, 10).map(tenths -> tenth(layers, tenths)).distinct().boxed().toList();
    }

    /**
     * The exits of a model of so many blocks, ascending; the last is where the whole of what is used ends.
     *
     * @throws FinetuneException when the model has no such block
     */
    default List<Integer> exits(int layers) {
        List<Integer> exits = new ArrayList<>();
        if (this instanceof ConfidenceExit confident) {
            exits.addAll(confident.of(layers).keySet());
        } else if (this instanceof SelfSpeculative speculative) {
            requireExit("selfSpeculative", speculative.block(), layers);
            exits.add(speculative.block());
        }
        exits.add(this instanceof ExitAt at ? at.block() : layers);
        return exits;
    }

    private static void requireExit(String what, int block, int layers) {
        if (block < 1 || block >= layers) {
            throw new FinetuneException(what + ": block " + block + " is no exit of a model of " + layers
                    + " blocks. Give one in [1, " + (layers - 1) + "].");
        }
    }
}
