package org.finetune4j.head;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/** A loss of single supervised tokens, given as a graph expression over the logits of a chunk of them. */
public interface TokenLoss {
    /** Whether {@link TokenView#referenceLogits()} will be asked for; only then is the reference model evaluated. */
    boolean needsReference();

    /** Builds the expression, once per graph. */
    Expression build(TokenView view);

    /**
     * The expression of a token loss.
     *
     * @param loss   {@code [chunk]}, what is minimised, before the tokens' weights
     * @param logged further {@code [chunk]} values to report by name, such as {@code kl}; no gradient is taken of them
     */
    record Expression(SDVariable loss, Map<String, SDVariable> logged) {
        /** Keeps an immutable copy, in the order given. */
        public Expression {
            logged = Collections.unmodifiableMap(new LinkedHashMap<>(logged));
        }

        /** An expression that reports nothing beside its loss. */
        public static Expression of(SDVariable loss) {
            return new Expression(loss, Map.of());
        }
    }
}
