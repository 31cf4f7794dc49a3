package org.finetune4j.op;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.graph.ScheduleRewrite;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A layer whose weight lies as inputs by outputs, of bytes and beside a low-rank branch, is the layer turned round. */
class InputsFirstTest {
    private static final int TOKENS = 40;
    private static final int INPUTS = 70;
    private static final int OUTPUTS = 33;
    private static final int RANK = 4;

    @ParameterizedTest
    @CsvSource({"false,false,false", "true,false,false", "true,true,false", "false,false,true", "true,true,true"})
    void bytesAndLowRankBranches(boolean processor, boolean fused, boolean few) {
        int tokens = few ? 3 : TOKENS;
        DataType type = processor ? DataType.FLOAT : DataType.DOUBLE;
        INDArray bytes = normal(1, INPUTS, OUTPUTS).muli(40).castTo(DataType.BYTE);
        INDArray scales = normal(2, INPUTS).muli(0.003).addi(0.02).castTo(type);
        Map<String, INDArray> inputs = new HashMap<>();
        inputs.put("x", normal(3, tokens, INPUTS).castTo(type));
        inputs.put("a", normal(4, RANK, INPUTS).castTo(type));
        inputs.put("b", normal(5, OUTPUTS, RANK).castTo(type));
        inputs.put("seed", normal(6, tokens, OUTPUTS).castTo(type));
        Map<String, INDArray> turned = new HashMap<>(inputs);
        inputs.put("weight", bytes);
        inputs.put("scales", scales);
        // The same layer as one of numbers that lie as outputs by inputs.
        turned.put("weight", bytes.castTo(type).muliColumnVector(scales).transpose().dup('c'));
        ScheduleRewrite rewrite = fused ? new ProductFusion(true, true) : ScheduleRewrite.NONE;
        try (Kernels kernels = processor ? new OneDnnKernels(2) : new Nd4jKernels()) {
            Map<String, INDArray> found = run(kernels, type, inputs, true, rewrite);
            Map<String, INDArray> expected = run(kernels, type, turned, false, ScheduleRewrite.NONE);
            expected.forEach((name, array) -> assertClose(array, found.get(name), processor ? 1e-5 : 1e-12, name));
        }
    }

    /** The output and the gradients towards x and the branch. */
    private static Map<String, INDArray> run(Kernels kernels, DataType type, Map<String, INDArray> inputs,
                                             boolean inputsFirst, ScheduleRewrite rewrite) {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", type);
        SDVariable base = inputsFirst
                ? MatMul.linearInputsFirst(x, graph.input("weight", DataType.BYTE), graph.input("scales", type))
                : MatMul.linear(x, graph.input("weight", type));
        SDVariable out = MatMul.linearAdd(base, 0.5, MatMul.linear(x, graph.input("a", type)), graph.input("b", type));
        Map<String, List<String>> contributions =
                ReversePass.build(graph, out, graph.input("seed", type), List.of("x", "a", "b"));
        Map<String, INDArray> results = new HashMap<>();
        List.of("x", "a", "b").forEach(name -> results.put(name, Nd4j.create(type, inputs.get(name).shape())));
        try (Arena arena = new Arena()) {
            INDArray made = new GraphSession(graph, kernels, arena, List.of(out.name()), contributions, Map.of(), rewrite)
                    .run(inputs, results).get(out.name());
            results.put("out", made.dup());
        }
        return results;
    }

    private static void assertClose(INDArray expected, INDArray found, double tolerance, String name) {
        double largest = expected.amaxNumber().doubleValue();
        assertEquals(0, expected.sub(found).amaxNumber().doubleValue(), tolerance * largest, name);
    }

    private static INDArray normal(long seed, long... shape) {
        Random random = new Random(seed);
        INDArray array = Nd4j.create(DataType.DOUBLE, shape);
        for (int i = 0; i < array.length(); i++) {
            array.putScalar(i, random.nextGaussian());
        }
        return array;
    }
}
