package org.finetune4j.model.family;

import java.util.List;
import java.util.function.Consumer;
import org.finetune4j.op.Activation;

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

    /** {@link Gated} with layers {@code gate_proj}, {@code up_proj} and {@code down_proj} of a module. */
    static Gated gated(String module, int hidden, int inner, Activation.Kind activation) {
        return new Gated(Linear.of(module + ".gate_proj", hidden, inner), Linear.of(module + ".up_proj", hidden, inner),
                Linear.of(module + ".down_proj", inner, hidden), activation);
    }

    /** All linear layers, each after those whose outputs it reads. */
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
