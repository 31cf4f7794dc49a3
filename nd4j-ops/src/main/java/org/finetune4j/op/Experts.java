package org.finetune4j.op;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A mixture of experts (arXiv 2401.04088): each token is given to the few gated feed-forward networks that the router
 * values most, and what they give is summed with the router's weights.
 *
 * <p>With {@code p = softmax(logits[t])}, formed in f32, and the {@code perToken} largest chosen (of equal ones those of lower
 * number): {@code out[t] = sum over the chosen e of p_e * down_e(kind(gate_e(x[t])) * up_e(x[t]))}, summed by rising number of
 * the expert in f32. Gradients flow to x, to the router's logits through the weights, and to those experts' weights that
 * train. There is no loss that balances the load of experts.
 *
 * <p>It is made of operations over {@code tokens * perToken} rows, an expert's beside each other, so that its memory and
 * its time do not depend on which experts are chosen, and results not on the number of threads.
 */
public final class Experts {
    private Experts() {
    }

    /**
     * The weights of all experts, one variable for each.
     *
     * @param gates  {@code [inner, hidden]}
     * @param ups    {@code [inner, hidden]}
     * @param downs  {@code [hidden, inner]}
     * @param scales null, or where the weights are frozen and of bytes the scales of gates and ups {@code [inner]} and of
     *               downs {@code [hidden]}
     */
    public record Weights(List<SDVariable> gates, List<SDVariable> ups, List<SDVariable> downs, @Nullable Scales scales) {
        /** Weights in the type of activations. */
        public Weights(List<SDVariable> gates, List<SDVariable> ups, List<SDVariable> downs) {
            this(gates, ups, downs, null);
        }

        /** Keeps copies; refuses unequal numbers of experts. */
        public Weights {
            gates = List.copyOf(gates);
            ups = List.copyOf(ups);
            downs = List.copyOf(downs);
            if (gates.isEmpty() || gates.size() != ups.size() || gates.size() != downs.size()) {
                throw new IllegalArgumentException(gates.size() + " gates, " + ups.size() + " ups and " + downs.size()
                        + " downs of experts; there must be one of each for every expert");
            }
        }
    }

    /** The scales of weights of bytes, one variable for each expert. */
    public record Scales(List<SDVariable> gates, List<SDVariable> ups, List<SDVariable> downs) {
        /** Keeps copies. */
        public Scales {
            gates = List.copyOf(gates);
            ups = List.copyOf(ups);
            downs = List.copyOf(downs);
        }
    }

    /** As the longer form, of weights in the type of activations. */
    public static SDVariable of(SDVariable x, SDVariable routerLogits, List<SDVariable> gateWeights,
                                List<SDVariable> upWeights, List<SDVariable> downWeights, int perToken,
                                boolean normalizeTopK, Activation.Kind kind) {
        return of(x, routerLogits, new Weights(gateWeights, upWeights, downWeights), perToken, normalizeTopK, kind);
    }

    /**
     * What the chosen experts give together, {@code [tokens, hidden]}.
     *
     * @param x             {@code [tokens, hidden]}
     * @param routerLogits  {@code [tokens, experts]}
     * @param perToken      experts for each token, at least 1 and at most all
     * @param normalizeTopK whether the weights of a token's experts are divided by their sum, as Mixtral does
     * @param kind          the activation of the gates
     */
    public static SDVariable of(SDVariable x, SDVariable routerLogits, Weights weights, int perToken,
                                boolean normalizeTopK, Activation.Kind kind) {
        if (perToken < 1 || perToken > weights.gates().size()) {
            throw new IllegalArgumentException(perToken + " experts for each token, of " + weights.gates().size()
                    + "; choose at least 1, and no more than there are");
        }
        Scales scales = weights.scales();
        SDVariable[] routing = ExpertRouting.of(routerLogits, perToken, normalizeTopK);
        SDVariable offsets = routing[ExpertRouting.OFFSETS];
        SDVariable places = routing[ExpertRouting.PLACES];
        SDVariable rows = ExpertRows.of(x, routing[ExpertRouting.TOKENS], places);
        SDVariable gate = ExpertLinear.of(rows, offsets, weights.gates(), scales == null ? null : scales.gates());
        SDVariable up = ExpertLinear.of(rows, offsets, weights.ups(), scales == null ? null : scales.ups());
        SDVariable down = ExpertLinear.of(GatedActivation.of(gate, up, kind), offsets, weights.downs(),
                scales == null ? null : scales.downs());
        return ExpertSum.of(down, places, routing[ExpertRouting.WEIGHTS]);
    }
}
