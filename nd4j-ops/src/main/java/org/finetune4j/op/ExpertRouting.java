package org.finetune4j.op;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Chooses experts for tokens and lays the chosen tokens out expert by expert, so that an expert's are rows beside each
 * other: there are {@code tokens * perToken} such rows, whichever experts are chosen.
 *
 * <p>Outputs: the weights {@code [tokens, perToken]} in full precision; and INT32 each token's experts by rising number
 * {@code [tokens * perToken]}, their places among the rows {@code [tokens * perToken]}, the token of each row
 * {@code [tokens * perToken]}, and where each expert's rows begin {@code [experts + 1]}.
 */
final class ExpertRouting extends OwnOp {
    static final int WEIGHTS = 0;
    static final int CHOSEN = 1;
    static final int PLACES = 2;
    static final int TOKENS = 3;
    static final int OFFSETS = 4;
    private final int perToken;
    private final boolean normalize;

    private ExpertRouting(SDVariable logits, int perToken, boolean normalize) {
        super(logits);
        this.perToken = perToken;
        this.normalize = normalize;
    }

    /** The outputs for logits {@code [tokens, experts]}. */
    static SDVariable[] of(SDVariable logits, int perToken, boolean normalize) {
        return new ExpertRouting(logits, perToken, normalize).outputVariables();
    }

    @Override
    public String opName() {
        return "finetune4j_expert_routing";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(FullPrecision.of(inputs.get(0)), DataType.INT, DataType.INT, DataType.INT, DataType.INT);
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        long[] logits = inputs.get(0);
        if (logits.length != 2 || logits[1] < perToken) {
            throw new IllegalArgumentException("a choice of " + perToken + " experts for each row of logits of shape "
                    + Arrays.toString(logits) + "; there must be as many columns at least");
        }
        long[] rows = {logits[0] * perToken};
        return List.of(new long[] {logits[0], perToken}, rows, rows, rows, new long[] {logits[1] + 1});
    }

    @Override
    protected void execute(Execution execution) {
        INDArray logits = execution.input(0);
        execution.kernels().chooseExperts(logits, normalize, execution.output(CHOSEN), execution.output(WEIGHTS));
        int[] chosen = execution.output(CHOSEN).isEmpty() ? new int[0] : execution.output(CHOSEN).toIntVector();
        int[] offsets = new int[Math.toIntExact(logits.size(1)) + 1];
        for (int expert : chosen) {
            offsets[expert + 1]++;
        }
        Arrays.parallelPrefix(offsets, Integer::sum);
        int[] next = offsets.clone();
        int[] places = new int[chosen.length];
        int[] tokens = new int[chosen.length];
        for (int i = 0; i < chosen.length; i++) {
            places[i] = next[chosen[i]]++;
            tokens[places[i]] = i / perToken;
        }
        put(places, execution.output(PLACES));
        put(tokens, execution.output(TOKENS));
        put(offsets, execution.output(OFFSETS));
    }

    private static void put(int[] values, INDArray out) {
        if (values.length > 0) {
            out.assign(Nd4j.createFromArray(values));
        }
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable upstream = backward.upstream(WEIGHTS);
        if (backward.wants(0) && upstream != null) {
            backward.add(0, new Gradient(arg(0), outputVariables()[CHOSEN], upstream, normalize).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        private final boolean normalize;

        Gradient(SDVariable logits, SDVariable chosen, SDVariable upstream, boolean normalize) {
            super(logits, chosen, upstream);
            this.normalize = normalize;
        }

        @Override
        public String opName() {
            return "finetune4j_expert_routing_gradient";
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().chooseExpertsGradient(execution.input(0), normalize, execution.input(1),
                    execution.input(2), execution.output(0));
        }
    }
}
