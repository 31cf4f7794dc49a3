package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.CounterRandom;
import org.nd4j.autodiff.samediff.SDVariable;

/** Drops elements at random and scales the others by {@code 1 / (1 - rate)}.
 *
 * <p>The seed {@code [2]} INT32 (low and high half) is an input, so that each run draws anew; a negative high half
 * turns dropout off.
 */
public final class Dropout extends OwnOp {
    private final double rate;
    private final long site;

    private Dropout(SDVariable x, SDVariable seed, double rate, long site) {
        super(x, seed);
        this.rate = rate;
        this.site = site;
    }

    /**
     * {@code x} with elements dropped.
     *
     * @param seed {@code [2]} INT32, see {@link #seed}
     * @param site a number that is different for every dropout of a graph
     */
    public static SDVariable of(SDVariable x, SDVariable seed, double rate, long site) {
        return new Dropout(x, seed, rate, site).outputVariable();
    }

    /** The seed array's values for a non-negative seed, or those that turn dropout off for a negative one. */
    public static int[] seed(long seed) {
        return seed < 0 ? new int[] {0, -1} : new int[] {(int) seed, (int) (seed >>> 32)};
    }

    @Override
    public String opName() {
        return "finetune4j_dropout";
    }

    @Override
    protected void execute(Execution execution) {
        int low = execution.input(1).getInt(0);
        int high = execution.input(1).getInt(1);
        if (high < 0) {
            execution.kernels().scale(execution.input(0), 1, execution.output(0));
        } else {
            long seed = CounterRandom.seed((long) high << 32 | (low & 0xFFFFFFFFL), "dropout", site);
            execution.kernels().dropout(execution.input(0), rate, seed, execution.output(0));
        }
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, of(backward.upstream(), arg(1), rate, site));
        }
    }
}
