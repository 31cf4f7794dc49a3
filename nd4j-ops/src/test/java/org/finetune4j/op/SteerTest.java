package org.finetune4j.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Rows that are turned, in numbers. */
class SteerTest {
    private static INDArray steered(DataType type, double step, double[][] rows, double... direction) {
        Graph graph = new Graph();
        SDVariable steered = Steer.of(graph.input("x", type), graph.input("direction", DataType.FLOAT), step);
        assertEquals(type, steered.dataType());
        try (Kernels kernels = new OneDnnKernels(); Arena arena = new Arena()) {
            GraphSession session = new GraphSession(graph, kernels, arena, List.of(steered.name()), Map.of(), Map.of());
            return session.run(Map.of("x", Nd4j.createFromArray(rows).castTo(type), "direction",
                    Nd4j.createFromArray(new double[][] {direction}).castTo(DataType.FLOAT)), Map.of())
                    .get(steered.name()).castTo(DataType.DOUBLE);
        }
    }

    /** Card lfu, test 2: whatever the direction's length. */
    @Test
    void rowsAreTurnedAndKeepTheirLength() {
        double[][] rows = {{3, 4}, {-300, -400}, {0, 0}, {0, 2}};
        for (double scale : new double[] {1, 1e-4, 7e3}) {
            INDArray turned = steered(DataType.FLOAT, .1, rows, scale, 0);
            assertArrayEquals(new double[] {3.292523, 3.762883}, turned.getRow(0).toDoubleVector(), 5e-6);
            assertEquals(5, turned.getRow(0).norm2Number().doubleValue(), 1e-5);
            assertEquals(500, turned.getRow(1).norm2Number().doubleValue(), 1e-3);
            assertArrayEquals(new double[] {0, 0}, turned.getRow(2).toDoubleVector(), 1e-9);
            assertArrayEquals(new double[] {2 * .1 / Math.hypot(1, .1), 2 / Math.hypot(1, .1)},
                    turned.getRow(3).toDoubleVector(), 5e-6);
        }
        assertArrayEquals(new double[] {3, 4}, steered(DataType.FLOAT, 0, rows, 1, 0).getRow(0).toDoubleVector(), 1e-6);
        assertArrayEquals(new double[] {3.292523, 3.762883},
                steered(DataType.BFLOAT16, .1, rows, 1, 0).getRow(0).toDoubleVector(), 0.016);
    }
}
