package org.finetune4j.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class MemoryTest {
    @Test
    void addressOfAViewPointsAtItsFirstElement() {
        INDArray whole = Nd4j.rand(DataType.FLOAT, 4, 5);
        INDArray view = whole.get(NDArrayIndex.interval(2, 4), NDArrayIndex.all());
        assertEquals(Memory.address(whole) + 2 * 5 * Float.BYTES, Memory.address(view));
        assertEquals(view, Arena.arrayAt(Memory.address(view), DataType.FLOAT, 2, 5));
    }

    @Test
    void aNamedBufferGrowsAndKeepsOneAddressPerSize() {
        try (Memory memory = new Memory()) {
            INDArray small = memory.array("x", DataType.FLOAT, 4);
            assertEquals(Memory.address(small), Memory.address(memory.array("x", DataType.FLOAT, 2, 2)));
            memory.array("x", DataType.FLOAT, 64);
            assertTrue(memory.bytes() >= 64 * Float.BYTES);
            INDArray again = memory.array("x", DataType.FLOAT, 4).assign(3);
            assertEquals(3, memory.array("x", DataType.FLOAT, 64).getFloat(2));
            assertEquals(12, again.sumNumber().doubleValue());
        }
    }
}
