package org.finetune4j.methods.objective;

import org.finetune4j.data.Row;
import org.finetune4j.data.Sample;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Fragment;

/** What is minimised: a loss of single supervised tokens and how it is averaged over an optimiser step. */
public interface Objective extends Fragment {
    /** The loss of a supervised token. */
    TokenLoss tokenLoss();

    /** What it learns from; data of another kind are refused. */
    default Class<? extends Row> rows() {
        return Sample.class;
    }

    /** How token losses are averaged over the samples of one optimiser step. */
    default Reduction reduction() {
        return Reduction.TOKENS;
    }
}
