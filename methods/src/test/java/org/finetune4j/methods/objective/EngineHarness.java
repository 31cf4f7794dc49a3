package org.finetune4j.methods.objective;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenLossProgram;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The engine's own program of a token loss, in double. */
final class EngineHarness implements ObjectiveHarness {
    @Override
    public Result evaluate(TokenLoss loss, double[][] logits, int[] labels, double[] weights,
                           double @Nullable [][] reference) {
        try (TokenLossProgram program = new TokenLossProgram(loss, DataType.DOUBLE, new Nd4jKernels())) {
            TokenLossProgram.Result result = program.run(Nd4j.createFromArray(logits), Nd4j.createFromArray(labels),
                    Nd4j.createFromArray(weights), reference == null ? null : Nd4j.createFromArray(reference), true);
            Map<String, double[]> values = new HashMap<>();
            for (int i = 0; i < result.values().size(); i++) {
                values.put(program.valueNames().get(i), result.values().get(i).toDoubleVector());
            }
            double sum = 0;
            for (int t = 0; t < labels.length; t++) {
                sum += weights[t] * values.get("loss")[t];
            }
            INDArray gradient = Objects.requireNonNull(result.logitsGradient());
            return new Result(sum, gradient.toDoubleMatrix(), values);
        }
    }
}
