package org.finetune4j.methods.objective;

import java.util.List;
import java.util.Map;
import org.finetune4j.head.SequenceLoss;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;

/** The negative log-likelihood of each token, over which a loss of whole samples is taken. Logs {@code nll}. */
class SampleTokenLoss implements TokenLoss {
    private final List<String> columns;
    private final SequenceLoss sequenceLoss;

    /** Token losses for this loss of samples, which reads these columns beside them. */
    SampleTokenLoss(SequenceLoss sequenceLoss, String... columns) {
        this.sequenceLoss = sequenceLoss;
        this.columns = List.of(columns);
    }

    @Override
    public List<String> columns() {
        return columns;
    }

    @Override
    public Expression build(TokenView view) {
        return new Expression(view.logProbability().neg(), Map.of("nll", view.logProbability().neg()));
    }

    @Override
    public SequenceLoss sequenceLoss() {
        return sequenceLoss;
    }
}
