package org.finetune4j.model;

import java.util.List;
import java.util.Set;
import org.finetune4j.model.family.Block;
import org.finetune4j.model.family.FeedForward;
import org.finetune4j.model.family.Linear;
import org.finetune4j.model.family.Projections;

/**
 * Operations of matrix products that a pass over a batch must do, a multiplication and an addition counted as two. It is
 * the model's arithmetic, whatever an engine does: frozen weights have no weight gradient, nothing is sent towards inputs
 * that lead to nothing that trains, unsupervised tokens have no head and go no further than through the last block's
 * attention, attention sees each sequence's lower triangle only, and what is computed again, padded or masked away does not
 * count. Norms, activations, rotations and the optimiser have no products and count as nothing.
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
     * @param targets layers that have one, as {@link ModelShapes#names} understands them, such as {@code q_proj}
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

    /** Adds up the linear layers of every block. */
    private static final class Count {
        private final ModelConfig config;
        private final PackedBatch batch;
        private final int rank;
        private final Set<String> targets;
        private final boolean full;
        /** Tokens that go through the layer that is counted. */
        private int rows;
        private double forward;
        private double inputGradients;
        private double weightGradients;
        private double attention;

        Count(ModelConfig config, PackedBatch batch, int rank, Set<String> targets, boolean full) {
            this.config = config;
            this.batch = batch;
            this.rank = rank;
            this.targets = targets;
            this.full = full;
            rows = batch.tokens();
        }

        StepOperations all() {
            // Whether something below trains, so that a gradient leaves a layer downwards.
            boolean below = full;
            List<Block> blocks = config.architecture().blocks();
            for (int i = 0; i < blocks.size(); i++) {
                Block block = blocks.get(i);
                boolean last = i == blocks.size() - 1 && config.architecture().head() != null;
                boolean intoFeedForward = attention(block, below, last ? batch.supervised() : rows);
                below = feedForward(block, block.order() == Block.Order.PARALLEL ? below : intoFeedForward)
                        || intoFeedForward;
            }
            int headProducts = config.architecture().head() == null ? 0 : full ? 3 : below ? 2 : 1;
            double head = 2.0 * headProducts * batch.supervised() * config.hiddenSize() * config.vocabularySize();
            return new StepOperations(forward, inputGradients, weightGradients, attention, head);
        }

        /** Whether a gradient leaves the attention, behind which so many tokens are wanted, or something in it trains. */
        private boolean attention(Block block, boolean below, int wanted) {
            Projections projections = block.attention().projections();
            projections.layers().forEach(layer -> linear(layer, below));
            Linear first = projections.layers().get(0);
            boolean query = below || targeted(first);
            boolean key = below || targeted(projections instanceof Projections.Separate three ? three.key() : first);
            boolean value = below || targeted(projections instanceof Projections.Separate three ? three.value() : first);
            // Only towards what trains, of four products backward: the values' gradient is one; the probabilities'
            // gradient is another, that queries' and keys' need.
            double backward = 0.5 * ((value ? 1 : 0) + (query || key ? 1 : 0) + (query ? 1 : 0) + (key ? 1 : 0));
            attention += (1 + backward) * block.attention().shape().operations(batch.offsets());
            boolean intoOutput = query || key || value;
            rows = wanted;
            linear(block.attention().output(), intoOutput);
            return intoOutput || targeted(block.attention().output());
        }

        /** Whether a gradient leaves the feed-forward downwards, or something in it trains. */
        private boolean feedForward(Block block, boolean into) {
            if (block.feedForward() instanceof FeedForward.Experts experts) {
                return experts(experts, into);
            }
            return chain(block.feedForward().layers(), into);
        }

        private boolean experts(FeedForward.Experts experts, boolean into) {
            frozen(experts.router(), 1, into);
            FeedForward.Gated one = experts.experts().get(0);
            one.layers().forEach(layer -> frozen(layer, experts.perToken(), into));
            if (experts.shared() == null || experts.sharedGate() == null) {
                return into;
            }
            frozen(experts.sharedGate(), 1, into);
            return chain(experts.shared().layers(), into);
        }

        /** A layer without an adapter that every token goes through so many times. */
        private void frozen(Linear layer, int times, boolean towardsInput) {
            double base = times * product(layer.inputs(), layer.outputs());
            forward += base;
            inputGradients += towardsInput ? base : 0;
            weightGradients += full ? base : 0;
        }

        /** Layers of which the last reads what those before it make. */
        private boolean chain(List<Linear> layers, boolean into) {
            List<Linear> before = layers.subList(0, layers.size() - 1);
            before.forEach(layer -> linear(layer, into));
            Linear down = layers.get(layers.size() - 1);
            boolean intoDown = into || before.stream().anyMatch(this::targeted);
            linear(down, intoDown);
            return intoDown || targeted(down);
        }

        private void linear(Linear layer, boolean towardsInput) {
            double base = product(layer.inputs(), layer.outputs());
            forward += base;
            if (towardsInput) {
                inputGradients += base;
            }
            if (full) {
                weightGradients += base;
            }
            if (targeted(layer)) {
                double down = product(layer.inputs(), rank);
                double up = product(rank, layer.outputs());
                forward += down + up;
                weightGradients += down + up;
                inputGradients += up + (towardsInput ? down : 0);
            }
        }

        private double product(int inputs, int outputs) {
            return 2.0 * rows * inputs * outputs;
        }

        private boolean targeted(Linear layer) {
            return targets.stream().anyMatch(target -> ModelShapes.names(target, layer.site()));
        }
    }
}
