package org.finetune4j.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class AlignedArraysTest {
    @ParameterizedTest
    @EnumSource(names = {"FLOAT", "BFLOAT16", "DOUBLE", "BYTE"})
    void beginAtACacheLineAndHoldWhatIsWritten(DataType type) {
        for (long[] shape : new long[][] {{1}, {7}, {3, 5}, {1000, 577}}) {
            INDArray array = AlignedArrays.uninitialized(type, shape);
            assertEquals(0, Memory.address(array) % Arena.ALIGNMENT);
            assertArrayEquals(shape, array.shape());
            INDArray numbers = Nd4j.linspace(-60, 60, array.length(), DataType.DOUBLE).castTo(type).reshape(shape);
            array.assign(numbers);
            assertEquals(numbers, array);
            AlignedArrays.close(array);
        }
    }

    @Test
    void closingForgetsTheMemoryOfBothKinds() {
        INDArray aligned = AlignedArrays.uninitialized(DataType.FLOAT, 4, 5);
        long address = Memory.address(aligned);
        assertTrue(AlignedArrays.keeps(address));
        AlignedArrays.close(aligned);
        assertTrue(aligned.wasClosed());
        assertFalse(AlignedArrays.keeps(address));
        INDArray plain = Nd4j.createUninitialized(DataType.FLOAT, 4, 5);
        AlignedArrays.close(plain);
        assertTrue(plain.wasClosed());
    }

    @Test
    void memoryIsKeptWhileAViewIsInUseAndForgottenWithTheLast() throws InterruptedException {
        INDArray view = AlignedArrays.uninitialized(DataType.FLOAT, 100, 100).assign(3).getRow(50).reshape(10, 10);
        long address = Memory.address(view) - 50 * 100 * Float.BYTES;
        collect();
        assertTrue(AlignedArrays.keeps(address));
        assertEquals(300, view.sumNumber().doubleValue());
        view = null;
        for (int i = 0; i < 100 && AlignedArrays.keeps(address); i++) {
            collect();
        }
        assertFalse(AlignedArrays.keeps(address));
    }

    private static void collect() throws InterruptedException {
        System.gc();
        Thread.sleep(20);
    }

    @Test
    void anArrayOfNoElementsHasNoMemory() {
        INDArray empty = AlignedArrays.uninitialized(DataType.FLOAT, 0, 5);
        assertEquals(0, empty.length());
        AlignedArrays.close(empty);
    }
}
