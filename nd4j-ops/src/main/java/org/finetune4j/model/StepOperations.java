package org.finetune4j.model;

import java.util.Set;
import org.finetune4j.checkpoint.ModelConfig;
import org.finetune4j.kernel.AttentionShape;

/**
 * Operations of matrix products that a pass over a batch must do, a multiplication and an addition counted as two. It is
 * the model's arithmetic, whatever an engine does: frozen weights have no weight gradient, nothing is sent towards inputs
 * that lead to nothing that trains, unsupervised tokens have no head, attention sees each sequence's lower triangle only,
 * and what is computed again, padded or masked away does not count. Norms, activations, rotations and the optimiser have
 * no products and count as nothing.
 *
 * @param forward         linear layers forward
 * @param inputGradients  linear layers backward, towards their inputs
 * @param weightGradients linear layers backward, towards weights that train
 * @param attention       attention, forward and backward
 * @param head            logits of supervised tokens, and their gradients
 */
public record StepOperations(double forward, double inputGradients, double weightGradients, double attention,
                             double head) {
    private static final Set<String> NOTHING = Set.of();

    /** Those of loss alone, without gradient: scoring and evaluation. */
    public static StepOperations scoring(ModelConfig config, PackedBatch batch) {
        return new Count(config, batch, 0, NOTHING, false).all();
    }

    /** Those of loss and gradient when every weight trains. */
    public static StepOperations full(ModelConfig config, PackedBatch batch) {
        return new Count(config, batch, 0, NOTHING, true).all();
    }

    /**
     * Those of loss and gradient when only low-rank adapters train.
     *
     * @param rank    width of each adapter, at least 1
     * @param targets modules that have one in every layer, such as {@code q_proj}
     */
    public static StepOperations lowRank(ModelConfig config, PackedBatch batch, int rank, Set<String> targets) {
        if (rank < 1 || targets.isEmpty()) {
            throw new IllegalArgumentException("low-rank adapters need a rank of at least 1 and a target, got " + rank
                    + " and " + targets);
        }
        return new Count(config, batch, rank, targets, false).all();
    }

    /** All of them. */
    public double total() {
        return forward + inputGradients + weightGradients + attention + head;
    }

    /** Adds up the modules of every layer. */
    private static final class Count {
        private final ModelConfig config;
        private final PackedBatch batch;
        private final int rank;
        private final Set<String> targets;
        private final boolean full;
        private double forward;
        private double inputGradients;
        private double weightGradients;

        Count(ModelConfig config, PackedBatch batch, int rank, Set<String> targets, boolean full) {
            this.config = config;
            this.batch = batch;
            this.rank = rank;
            this.targets = targets;
            this.full = full;
        }

        StepOperations all() {
            boolean trains = full || !targets.isEmpty();
            for (int layer = 0; layer < config.layers(); layer++) {
                // Whether something below this layer trains, so that a gradient leaves it downwards.
                boolean below = full || trains && layer > 0;
                boolean intoAttention = below || targeted("q_proj", "k_proj", "v_proj");
                boolean intoFeedForward = intoAttention || targeted("o_proj");
                boolean intoDown = intoFeedForward || targeted("gate_proj", "up_proj");
                int query = config.heads() * config.headDimension();
                int keyValue = config.keyValueHeads() * config.headDimension();
                linear("q_proj", config.hiddenSize(), query, below);
                linear("k_proj", config.hiddenSize(), keyValue, below);
                linear("v_proj", config.hiddenSize(), keyValue, below);
                linear("o_proj", query, config.hiddenSize(), intoAttention);
                linear("gate_proj", config.hiddenSize(), config.intermediateSize(), intoFeedForward);
                linear("up_proj", config.hiddenSize(), config.intermediateSize(), intoFeedForward);
                linear("down_proj", config.intermediateSize(), config.hiddenSize(), intoDown);
            }
            int headProducts = full ? 3 : trains ? 2 : 1;
            double head = 2.0 * headProducts * batch.supervised() * config.hiddenSize() * config.vocabularySize();
            return new StepOperations(forward, inputGradients, weightGradients, attention(trains), head);
        }

        private double attention(boolean trains) {
            double once = new AttentionShape(config.heads(), config.keyValueHeads(), config.headDimension())
                    .operations(batch.offsets());
            double all = config.layers() * once;
            if (full) {
                return 3 * all;
            }
            if (!trains) {
                return all;
            }
            // In the first layer only towards what trains, of four products: the values' gradient is one; the
            // probabilities' gradient is another, that queries' and keys' need.
            double first = (targeted("v_proj") ? 0.5 : 0) + (targeted("q_proj", "k_proj") ? 0.5 : 0)
                    + (targeted("q_proj") ? 0.5 : 0) + (targeted("k_proj") ? 0.5 : 0);
            return all + 2 * (config.layers() - 1) * once + first * once;
        }

        private void linear(String module, int inputs, int outputs, boolean towardsInput) {
            double base = product(inputs, outputs);
            forward += base;
            if (towardsInput) {
                inputGradients += base;
            }
            if (full) {
                weightGradients += base;
            }
            if (targeted(module)) {
                double down = product(inputs, rank);
                double up = product(rank, outputs);
                forward += down + up;
                weightGradients += down + up;
                inputGradients += up + (towardsInput ? down : 0);
            }
        }

        private double product(int inputs, int outputs) {
            return 2.0 * batch.tokens() * inputs * outputs;
        }

        private boolean targeted(String... modules) {
            for (String module : modules) {
                if (targets.contains(module)) {
                    return true;
                }
            }
            return false;
        }
    }
}
