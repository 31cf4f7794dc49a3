package org.finetune4j.train;

import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;

/** The negative log-probability of the label, for evaluation. */
record NegativeLogLikelihood() implements TokenLoss {
    @Override
    public boolean needsReference() {
        return false;
    }

    @Override
    public Expression build(TokenView view) {
        return Expression.of(view.logProbability().neg());
    }
}
