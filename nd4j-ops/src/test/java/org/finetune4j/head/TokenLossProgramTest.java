package org.finetune4j.head;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class TokenLossProgramTest {
    private static final int VOCABULARY = 7;
    private static final int ROWS = 5;
    private static final Kernels KERNELS = new Nd4jKernels();

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    @Test
    void theGradientTowardsTheLogitsAgreesWithCentralDifferences() {
        TokenLoss loss = loss(view -> {
            SDVariable p = view.graph().math().exp(view.logProbability());
            return p.mul(view.logSumExp()).sub(view.logProbability().mul(0.7));
        });
        INDArray logits = random(1, ROWS, VOCABULARY);
        INDArray weights = random(2, ROWS);
        INDArray labels = labels(ROWS);
        try (TokenLossProgram program = new TokenLossProgram(loss, DataType.DOUBLE, KERNELS)) {
            INDArray gradient = assertNotNullArray(program.run(logits, labels, weights, null, true).logitsGradient());
            gradient = gradient.dup();
            for (int i = 0; i < logits.length(); i++) {
                double value = logits.getDouble(i);
                logits.putScalar(i, value + 1e-5);
                double right = weighted(program, logits, labels, weights);
                logits.putScalar(i, value - 1e-5);
                double left = weighted(program, logits, labels, weights);
                logits.putScalar(i, value);
                assertEquals((right - left) / 2e-5, gradient.getDouble(i), 1e-8);
            }
        }
    }

    @Test
    void aNarrowGradientIsTheWideOneRoundedOnce() {
        Map<String, TokenLoss> losses = Map.of(
                "one term", loss(TokenView::logProbability),
                "terms of own operations", loss(view -> view.logProbability().add(view.logSumExp().mul(0.3))
                        .add(view.klDivergence(view.logits(), view.stopGradient(view.logits().mul(0.5))))),
                "a value that no gradient comes from", loss(view -> view.logProbability()
                        .mul(view.stopGradient(view.logSumExp()))),
                "stock operations first", loss(view -> view.logits().mul(view.logits()).sum(1)
                        .add(view.logProbability())));
        INDArray logits = random(3, ROWS, VOCABULARY).castTo(DataType.FLOAT);
        INDArray weights = random(4, ROWS).castTo(DataType.FLOAT);
        losses.forEach((name, loss) -> {
            try (TokenLossProgram wide = new TokenLossProgram(loss, DataType.FLOAT, KERNELS);
                    TokenLossProgram narrow = new TokenLossProgram(loss, DataType.FLOAT, DataType.BFLOAT16, KERNELS)) {
                INDArray expected =
                        assertNotNullArray(wide.run(logits, labels(ROWS), weights, null, true).logitsGradient());
                INDArray actual =
                        assertNotNullArray(narrow.run(logits, labels(ROWS), weights, null, true).logitsGradient());
                assertEquals(DataType.FLOAT, expected.dataType());
                assertEquals(expected.castTo(DataType.BFLOAT16), actual, name);
            }
        });
    }

    @Test
    void aStoppedGradientIsAConstant() {
        INDArray logits = random(3, ROWS, VOCABULARY);
        INDArray weights = random(4, ROWS);
        INDArray labels = labels(ROWS);
        TokenLoss stopped = loss(view -> view.stopGradient(view.graph().math().exp(view.logProbability()))
                .mul(view.logProbability()));
        TokenLoss plain = loss(TokenView::logProbability);
        try (TokenLossProgram weighted = new TokenLossProgram(stopped, DataType.DOUBLE, KERNELS);
                TokenLossProgram unweighted = new TokenLossProgram(plain, DataType.DOUBLE, KERNELS)) {
            double[] logProbabilities = unweighted.run(logits, labels, weights, null, false).values().get(0).toDoubleVector();
            INDArray expected = assertNotNullArray(unweighted.run(logits, labels, weights, null, true).logitsGradient());
            INDArray actual = assertNotNullArray(weighted.run(logits, labels, weights, null, true).logitsGradient());
            for (int row = 0; row < ROWS; row++) {
                for (int v = 0; v < VOCABULARY; v++) {
                    assertEquals(Math.exp(logProbabilities[row]) * expected.getDouble(row, v), actual.getDouble(row, v), 1e-12);
                }
            }
        }
    }

    @Test
    void aLossThatIsNotOneNumberPerTokenIsRefused() {
        try (TokenLossProgram program = new TokenLossProgram(loss(view -> view.logits().mul(2.0)), DataType.DOUBLE,
                KERNELS)) {
            String message = assertThrows(FinetuneException.class, () -> program.run(random(5, ROWS, VOCABULARY),
                    labels(ROWS), random(6, ROWS), null, false)).getMessage();
            assertTrue(message.contains("[5, 7]") && message.contains("one DOUBLE number per token"), message);
        }
    }

    @Test
    void aLossWithoutTheLogitsIsRefused() {
        String message = assertThrows(IllegalArgumentException.class, () -> new TokenLossProgram(
                loss(view -> view.stopGradient(view.logProbability())), DataType.DOUBLE, KERNELS)).getMessage();
        assertTrue(message.contains("does not depend on the logits"), message);
    }

    private static double weighted(TokenLossProgram program, INDArray logits, INDArray labels, INDArray weights) {
        return program.run(logits, labels, weights, null, false).values().get(0).mul(weights).sumNumber().doubleValue();
    }

    private static INDArray assertNotNullArray(INDArray array) {
        assertNotNull(array);
        return array;
    }

    private static TokenLoss loss(Function<TokenView, SDVariable> expression) {
        return new TokenLoss() {
            @Override
            public Expression build(TokenView view) {
                return new Expression(expression.apply(view), Map.of());
            }
        };
    }

    private static INDArray random(long seed, long... shape) {
        long length = 1;
        for (long extent : shape) {
            length *= extent;
        }
        return Nd4j.createFromArray(new Random(seed).doubles(length, -2, 2).toArray()).reshape(shape);
    }

    private static INDArray labels(int rows) {
        return Nd4j.createFromArray(new Random(9).ints(rows, 0, VOCABULARY).toArray());
    }
}
