package org.finetune4j.graph;

import org.finetune4j.op.Add;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** An operation's view of the reverse pass: gradients of its outputs, and where those of its inputs go. */
public interface Backward {
    /** The gradient of output {@code output}, or null when none arrives there. */
    @Nullable SDVariable upstream(int output);

    /** Whether input {@code input} leads to something that trains; no gradient may be built towards others. */
    boolean wants(int input);

    /** The gradient that other users of the same variable have contributed so far, or null. */
    @Nullable SDVariable accumulated(int input);

    /** Whether the gradient of this input is collected over batches, and so wanted in full precision. */
    boolean collects(int input);

    /**
     * The type in which {@link #set} may be given a total: that of the input, or where nothing else will be
     * contributed, the one in which the gradient is wanted.
     */
    DataType typeOfTotal(int input);

    /** Sets an input's gradient to a total that already contains {@link #accumulated}. */
    void set(int input, SDVariable total);

    /** Adds a contribution to an input's gradient. */
    default void add(int input, SDVariable contribution) {
        SDVariable accumulated = accumulated(input);
        set(input, accumulated == null ? contribution : Add.of(accumulated, contribution));
    }

    /** The gradient of the only output. */
    default SDVariable upstream() {
        SDVariable gradient = upstream(0);
        if (gradient == null) {
            throw new IllegalStateException("no gradient arrives");
        }
        return gradient;
    }
}
