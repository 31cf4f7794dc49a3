package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One number of each row of {@code [rows, columns]}: {@code [rows]} of its type. No gradient flows. */
public final class RowEntry extends OwnOp {
    private final boolean atLabel;

    private RowEntry(boolean atLabel, SDVariable... inputs) {
        super(inputs);
        this.atLabel = atLabel;
    }

    /** The entry in the column that its label, INT {@code [rows]}, names. */
    public static SDVariable atLabel(SDVariable x, SDVariable labels) {
        return new RowEntry(true, x, labels).outputVariable();
    }

    /** The number of the column that holds the largest entry, the first of equal ones. */
    public static SDVariable numberOfLargest(SDVariable x) {
        return new RowEntry(false, x).outputVariable();
    }

    @Override
    public String opName() {
        return atLabel ? "finetune4j_entry_at_label" : "finetune4j_number_of_largest";
    }

    @Override
    protected boolean differentiable() {
        return false;
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(0)[0]});
    }

    @Override
    protected void execute(Execution execution) {
        INDArray x = execution.input(0);
        for (long row = 0; row < x.size(0); row++) {
            execution.output(0).putScalar(row, atLabel ? x.getDouble(row, execution.input(1).getInt((int) row))
                    : largest(x.getRow(row).toDoubleVector()));
        }
    }

    private static int largest(double[] row) {
        int best = 0;
        for (int column = 1; column < row.length; column++) {
            best = row[column] > row[best] ? column : best;
        }
        return best;
    }
}
