package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.op.Activation;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class OneDnnRefusalTest {
    private static OneDnnKernels kernels;

    @BeforeAll
    static void open() {
        kernels = new OneDnnKernels(2);
    }

    @AfterAll
    static void close() {
        kernels.close();
    }

    private static INDArray floats(long... shape) {
        return output(DataType.FLOAT, shape);
    }

    private static void refused(Executable call, String... parts) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), () -> "'" + part + "' is missing in: " + message);
        }
    }

    @Test
    void shapesThatDoNotFitAreNamed() {
        refused(() -> kernels.matmul(floats(2, 3), false, floats(4, 5), false, floats(2, 5), 1, false),
                "matmul", "[2, 3]", "[4, 5]");
        refused(() -> kernels.matmul(floats(2, 3), false, floats(3, 5), false, floats(5, 2), 1, false),
                "matmul", "[2, 3]", "[5, 2]", "[2, 5]");
        refused(() -> kernels.add(floats(2, 3), floats(3, 2), floats(2, 3)), "add", "[2, 3]", "[3, 2]");
        refused(() -> kernels.rmsNorm(floats(2, 3), floats(2), false, 1e-5, floats(2, 3)), "rmsNorm", "[2, 3]", "[2]");
        refused(() -> kernels.gatedActivation(floats(2, 3), floats(2, 3), Activation.Kind.SILU, floats(2, 4)),
                "gatedActivation", "[2, 3]", "[2, 4]");
        refused(() -> kernels.logProbability(floats(2, 3), integers(1), floats(2), floats(2)),
                "logProbability", "[2, 3]", "[1]");
        refused(() -> kernels.attention(floats(4, 8), floats(4, 8), floats(4, 4), integers(0, 4), new AttentionShape(2, 1, 4),
                null, floats(4, 8), floats(4, 2)), "attention", "[4, 8]", "[4, 4]");
        refused(() -> kernels.embedding(integers(1, 2), floats(5, 3), floats(3, 3)), "embedding", "[5, 3]", "[3, 3]", "[2, 3]");
    }

    @Test
    void typesThatAreNotSupportedAreNamed() {
        refused(() -> kernels.add(output(DataType.DOUBLE, 2), output(DataType.DOUBLE, 2), output(DataType.DOUBLE, 2)),
                "add", "DOUBLE");
        refused(() -> kernels.add(floats(2), output(DataType.BFLOAT16, 2), floats(2)), "add", "FLOAT", "BFLOAT16");
        refused(() -> kernels.logSumExp(output(DataType.BFLOAT16, 2, 2), floats(2)), "logSumExp", "BFLOAT16");
        refused(() -> kernels.embedding(floats(2), floats(5, 3), floats(2, 3)), "embedding", "INT32");
    }

    @Test
    void numbersOutOfRangeAreNamed() {
        refused(() -> kernels.embedding(integers(1, 5), floats(5, 3), floats(2, 3)), "embedding", "number 1", "is 5", "0..4");
        refused(() -> kernels.logProbability(floats(1, 3), integers(-1), floats(1), floats(1)),
                "logProbability", "is -1");
        refused(() -> kernels.dropout(floats(2), 1, 3, floats(2)), "dropout", "1.0");
        refused(() -> kernels.attention(floats(4, 8), floats(4, 4), floats(4, 4), integers(0, 3), new AttentionShape(2, 1, 4),
                null, floats(4, 8), floats(4, 2)), "attention", "[0, 3]", "4 tokens");
        refused(() -> kernels.cachedAttention(floats(2, 8), floats(2, 4), floats(2, 4), floats(1, 5, 4), floats(1, 5, 4),
                integers(4), integers(0, 2), new AttentionShape(2, 1, 4), null, floats(2, 8)), "cachedAttention", "capacity 5", "4 places");
    }

    @Test
    void arraysThatAreNotDenseAreNamed() {
        refused(() -> kernels.add(floats(3, 4).transpose(), floats(4, 3), floats(4, 3)), "add", "[4, 3]", "strides");
    }

    @Test
    void emptyArraysAreNoWork() {
        INDArray none = Nd4j.empty(DataType.FLOAT).reshape(0, 4);
        kernels.matmul(none, false, floats(4, 2), false, Nd4j.create(DataType.FLOAT, 0, 2), 1, false);
        kernels.add(none, none, none);
        kernels.gatedActivation(none, none, Activation.Kind.GELU, none);
        kernels.rmsNorm(none, floats(4), false, 1e-5, none);
        kernels.embedding(Nd4j.create(DataType.INT, 0), floats(5, 4), none);
        INDArray noRows = Nd4j.create(DataType.FLOAT, 0);
        kernels.logSumExp(none, noRows);
        kernels.logProbability(none, Nd4j.create(DataType.INT, 0), noRows, noRows);
        kernels.logProbabilityGradient(none, Nd4j.create(DataType.INT, 0), noRows, noRows, null, none);
        assertEquals(0, kernels.squaredNorm(none));
        assertTrue(kernels.isFinite(none));
        INDArray out = floats(2, 3);
        kernels.matmul(Nd4j.create(DataType.FLOAT, 2, 0), false, Nd4j.create(DataType.FLOAT, 0, 3), false, out, 1, true);
        assertEquals(777, out.getFloat(1, 2));
        kernels.matmul(Nd4j.create(DataType.FLOAT, 2, 0), false, Nd4j.create(DataType.FLOAT, 0, 3), false, out, 1, false);
        assertEquals(0, out.getFloat(1, 2));
        INDArray spread = floats(3, 4);
        kernels.gatherRowsGradient(Nd4j.create(DataType.INT, 0), none, spread);
        assertEquals(0, spread.sumNumber().doubleValue());
    }
}
