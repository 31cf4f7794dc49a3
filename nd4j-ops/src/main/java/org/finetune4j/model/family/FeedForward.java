package org.finetune4j.model.family;

import java.util.List;
import java.util.function.Consumer;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;

/** What a block does with every token by itself. */
public sealed interface FeedForward {
    /** {@code down(activation(gate(x)) * up(x))}. */
    record Gated(Linear gate, Linear up, Linear down, Activation.Kind activation) implements FeedForward {
        @Override
        public List<Linear> layers() {
            return List.of(gate, up, down);
        }

        /** This with or without biases. */
        public Gated withBias(boolean bias) {
            return new Gated(gate.withBias(bias), up.withBias(bias), down.withBias(bias), activation);
        }
    }

    /** {@link Gated} with gate and up, in this order, as one layer. */
    record FusedGated(Linear gateAndUp, Linear down, Activation.Kind activation) implements FeedForward {
        @Override
        public List<Linear> layers() {
            return List.of(gateAndUp, down);
        }
    }

    /** {@code down(activation(up(x)))}. */
    record Plain(Linear up, Linear down, Activation.Kind activation) implements FeedForward {
        @Override
        public List<Linear> layers() {
            return List.of(up, down);
        }
    }

    /**
     * For every token the sum of a few gated networks, those that the router finds likeliest, weighted with their
     * probabilities; and where there is a shared network, {@code sigmoid(sharedGate(x)) * shared(x)} (arXiv 2401.04088,
     * 2401.06066). The loss that balances the experts' load in pretraining is not part of it, and adapters leave router
     * and experts alone.
     *
     * @param router     makes a logit for every expert
     * @param experts    the networks
     * @param perToken   how many are chosen
     * @param normalised whether the chosen ones' probabilities are divided by their sum
     * @param shared     a network that every token goes through, or null
     * @param sharedGate makes the logit that weighs it, or null
     */
    record Experts(Linear router, List<Gated> experts, int perToken, boolean normalised, @Nullable Gated shared,
                   @Nullable Linear sharedGate) implements FeedForward {
        /** Refuses a choice of more experts than there are. */
        public Experts {
            experts = List.copyOf(experts);
            if (perToken > experts.size()) {
                throw new ConfigProblem("num_experts_per_tok " + perToken + " is more than the experts, " + experts.size());
            }
        }

        @Override
        public List<Linear> layers() {
            return shared == null ? List.of() : shared.layers();
        }

        @Override
        public int inner() {
            return experts.get(0).inner();
        }

        @Override
        public void weights(Consumer<Weight> into) {
            router.weights(weight -> into.accept(weight.as(Weight.Role.MATRIX)));
            experts.forEach(expert -> expert.weights(weight -> into.accept(weight.as(Weight.Role.EXPERT))));
            if (shared != null && sharedGate != null) {
                shared.weights(into);
                sharedGate.weights(weight -> into.accept(weight.as(Weight.Role.MATRIX)));
            }
        }
    }

    /** {@link Gated} with layers {@code gate_proj}, {@code up_proj} and {@code down_proj} of a module. */
    static Gated gated(String module, int hidden, int inner, Activation.Kind activation) {
        return new Gated(Linear.of(module + ".gate_proj", hidden, inner), Linear.of(module + ".up_proj", hidden, inner),
                Linear.of(module + ".down_proj", inner, hidden), activation);
    }

    /** All linear layers to which adapters may attach, each after those whose outputs it reads. */
    List<Linear> layers();

    /** Width inside. */
    default int inner() {
        return layers().get(layers().size() - 1).inputs();
    }

    /** Its tensors. */
    default void weights(Consumer<Weight> into) {
        layers().forEach(layer -> layer.weights(into));
    }
}
