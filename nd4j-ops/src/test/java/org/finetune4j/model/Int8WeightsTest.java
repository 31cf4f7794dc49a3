package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class Int8WeightsTest {
    @Test
    void everyWeightIsWithinHalfAStepOfItsRow() {
        Random random = new Random(1);
        INDArray weight = Nd4j.create(DataType.FLOAT, 37, 53);
        for (int row = 0; row < 37; row++) {
            double deviation = Math.exp(3 * random.nextGaussian());
            for (int column = 0; column < 53; column++) {
                weight.putScalar(row, column, row == 5 ? 0 : deviation * random.nextGaussian());
            }
        }
        Int8Weights weights = Int8Weights.of(weight);
        INDArray restored = weights.numbers();
        for (int row = 0; row < 37; row++) {
            double largest = weight.getRow(row).amaxNumber().doubleValue();
            double step = largest / 127;
            assertEquals(row == 5 ? 1 : step, weights.scales().getDouble(row), 1e-6 * Math.max(step, 1));
            assertEquals(row == 5 ? 0 : 127, weights.bytes().castTo(DataType.FLOAT).getRow(row).amaxNumber().intValue());
            double worst = weight.getRow(row).sub(restored.getRow(row)).amaxNumber().doubleValue();
            assertTrue(worst <= 0.5001 * step, "row " + row + " is off by " + worst + " of a step of " + step);
        }
    }
}
