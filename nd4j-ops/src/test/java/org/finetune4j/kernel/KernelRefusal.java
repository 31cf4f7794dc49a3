package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.integers;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.finetune4j.op.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A call with arguments that do not fit one another.
 *
 * @param messageParts what the message must say: the kernel, and for shapes both of them
 */
record KernelRefusal(String name, Consumer<Kernels> call, List<String> messageParts) {

    static List<KernelRefusal> all() {
        AttentionShape shape = new AttentionShape(4, 2, 3);
        RotaryTable table = new RotaryTable(4, 10000);
        AdamWStep step = new AdamWStep(0.1, 0.9, 0.99, 1e-8, 0, 1, 1);
        return List.of(
                of("matmul", k -> k.matmul(f(3, 4), false, f(5, 6), false, f(3, 6), 1, false), "[3, 4]", "[5, 6]"),
                of("matmul", k -> k.matmul(f(3, 4), false, f(4, 6), false, f(3, 7), 1, false), "[3, 7]"),
                of("embedding", k -> k.embedding(integers(0, 1), f(5, 3), f(3, 3)), "[3, 3]", "[5, 3]"),
                of("embedding", k -> k.embedding(integers(0, 5), f(5, 3), f(2, 3)), "5"),
                of("embedding", k -> k.embedding(integers(-1, 0), f(5, 3), f(2, 3)), "-1"),
                of("embeddingGradient", k -> k.embeddingGradient(integers(0), f(2, 3), f(5, 3)), "[2, 3]", "[5, 3]"),
                of("embeddingGradient", k -> k.embeddingGradient(integers(9), f(1, 3), f(5, 3)), "9"),
                of("gatherRows", k -> k.gatherRows(f(5, 3), integers(1), f(1, 4)), "[1, 4]", "[5, 3]"),
                of("gatherRows", k -> k.gatherRows(f(5, 3), integers(7), f(1, 3)), "7"),
                of("gatherRowsGradient", k -> k.gatherRowsGradient(integers(1), f(2, 3), f(5, 3)), "[2, 3]",
                        "[5, 3]"),
                of("rmsNorm", k -> k.rmsNorm(f(2, 3), f(4), false, 1e-5, f(2, 3)), "[4]", "[2, 3]"),
                of("rmsNormGradient", k -> k.rmsNormGradient(f(2, 3), f(3), false, 1e-5, f(3, 3), null, null, f(3)), "[3, 3]",
                        "[2, 3]"),
                of("rotary", k -> k.rotary(f(2, 8), integers(0), table, false, f(2, 8)), "[1]", "[2, 8]"),
                of("rotary", k -> k.rotary(f(2, 6), integers(0, 1), table, false, f(2, 6)), "[2, 6]"),
                of("attention", k -> k.attention(f(2, 12), f(2, 5), f(2, 6), integers(0, 2), shape, null, f(2, 12),
                        f(2, 4)), "[2, 5]"),
                of("attention", k -> k.attention(f(2, 12), f(2, 6), f(2, 6), integers(0, 3), shape, null, f(2, 12),
                        f(2, 4)), "3"),
                of("attention", k -> k.attention(f(2, 12), f(2, 6), f(2, 6), integers(0, 2), shape, null, f(2, 12),
                        f(2, 3)), "[2, 3]", "[2, 12]"),
                of("attention", k -> k.attention(f(2, 12), f(2, 6), f(2, 6), integers(0, 2), shape,
                        new RotaryPositions(integers(0, 1), table), f(2, 12), f(2, 4)), "head dimension 4"),
                of("attention", k -> k.attention(f(2, 8), f(2, 4), f(2, 4), integers(0, 2), new AttentionShape(2, 1, 4),
                        new RotaryPositions(integers(0), table), f(2, 8), f(2, 2)), "[1]"),
                of("attentionGradient", k -> k.attentionGradient(f(2, 12), f(2, 6), f(2, 6), integers(0, 2), shape,
                        null, f(2, 12), f(2, 4), f(2, 12), f(2, 12), f(2, 6), f(2, 5)), "[2, 5]"),
                of("cachedAttention", k -> k.cachedAttention(f(2, 12), f(2, 6), f(2, 6), f(1, 4, 6), f(1, 4, 6),
                        integers(3), integers(0, 2), shape, null, f(2, 12)), "[1, 4, 6]"),
                of("layerNorm", k -> k.layerNorm(f(2, 3), f(3), f(4), 1e-5, f(2, 3)), "[4]", "[2, 3]"),
                of("layerNormGradient", k -> k.layerNormGradient(f(2, 3), f(3), 1e-5, f(2, 3), null, f(3, 3), null, null),
                        "[3, 3]", "[2, 3]"),
                of("activation", k -> k.activation(f(2, 3), Activation.Kind.GELU, f(2, 4)), "[2, 3]", "[2, 4]"),
                of("activationGradient", k -> k.activationGradient(f(2, 3), Activation.Kind.GELU, f(2, 4), f(2, 3)),
                        "[2, 3]", "[2, 4]"),
                of("gatedActivation", k -> k.gatedActivation(f(2, 3), f(2, 4), Activation.Kind.SILU, f(2, 3)), "[2, 3]",
                        "[2, 4]"),
                of("gatedActivationGradient", k -> k.gatedActivationGradient(f(2, 3), f(2, 3), Activation.Kind.SILU,
                        f(3, 2), f(2, 3), f(2, 3)), "[3, 2]", "[2, 3]"),
                of("softCap", k -> k.softCap(f(2, 3), 30, f(3, 3)), "[2, 3]", "[3, 3]"),
                of("softCap", k -> k.softCap(f(2, 3), 0, f(2, 3)), "cap of 0"),
                of("softCapGradient", k -> k.softCapGradient(f(2, 3), 30, f(2, 4), f(2, 4)), "[2, 3]", "[2, 4]"),
                of("addRow", k -> k.addRow(f(2, 3), f(2), f(2, 3)), "[2, 3]", "[2]"),
                of("columnSums", k -> k.columnSums(f(2, 3), f(2)), "[2, 3]", "[2]"),
                of("split", k -> k.split(f(2, 6), new int[] {3, 2}, List.of(f(2, 3), f(2, 2))), "[2, 6]", "[3, 2]"),
                of("split", k -> k.split(f(2, 5), new int[] {3, 2}, List.of(f(2, 3), f(2, 3))), "[2, 3]", "[2, 5]"),
                of("join", k -> k.join(List.of(f(2, 3)), new int[] {3, 2}, f(2, 5)), "[2, 5]", "[3, 2]"),
                of("meanRows", k -> k.meanRows(f(5, 3), integers(0, 2, 2, 5), f(3, 3)), "sequence 1"),
                of("meanRows", k -> k.meanRows(f(5, 3), integers(0, 2, 5), f(3, 3)), "[3, 3]"),
                of("meanRowsGradient", k -> k.meanRowsGradient(integers(0, 4), f(1, 3), f(5, 3)), "4"),
                of("chooseExperts", k -> k.chooseExperts(f(2, 3), true, integers(0, 0, 0, 0), f(2, 4)), "4 experts", "[2, 3]"),
                of("chooseExperts", k -> k.chooseExperts(f(2, 3), true, integers(0, 0, 0), f(2, 2)), "[3]", "[2, 2]"),
                of("chooseExpertsGradient", k -> k.chooseExpertsGradient(f(2, 3), true, integers(0, 3), f(2, 1), f(2, 3)),
                        "3"),
                of("combineRows", k -> k.combineRows(f(4, 3), integers(0, 1, 2, 4), f(2, 2), f(2, 3)), "4"),
                of("combineRows", k -> k.combineRows(f(4, 3), integers(0, 1, 2, 3), f(4, 1), f(2, 3)), "[4, 1]", "[4]"),
                of("combineRows", k -> k.combineRows(f(4, 3), integers(0, 1, 2, 3), null, f(3, 3)), "[3, 3]", "[4]"),
                of("combineRowsGradient", k -> k.combineRowsGradient(f(4, 3), integers(0, 1, 2, 3), f(2, 2), f(2, 3),
                        f(4, 4), null), "[4, 4]", "[4, 3]"),
                of("cachedAttention", k -> k.cachedAttention(f(2, 12), f(2, 6), f(2, 6), f(1, 4, 6), f(1, 4, 6),
                        integers(0), integers(0, 2), shape.withScores(new AttentionScores(1, 0, 0, false)), null, f(2, 12)),
                        "not causal"),
                of("add", k -> k.add(f(2, 3), f(3, 2), f(2, 3)), "[2, 3]", "[3, 2]"),
                of("scale", k -> k.scale(f(2, 3), 1, f(2, 4)), "[2, 3]", "[2, 4]"),
                of("dropout", k -> k.dropout(f(2, 3), 0.1, 0, f(2, 4)), "[2, 3]", "[2, 4]"),
                of("dropout", k -> k.dropout(f(2, 3), 1, 0, f(2, 3)), "1"),
                of("logProbability", k -> k.logProbability(f(2, 5), integers(0, 5), f(2), f(2)), "5"),
                of("logProbability", k -> k.logProbability(f(2, 5), integers(0, 4), f(2), f(3)), "[3]", "[2, 5]"),
                of("logProbabilityGradient",
                        k -> k.logProbabilityGradient(f(2, 5), integers(0, 1), f(2), f(2), null, f(2, 6)),
                        "[2, 6]", "[2, 5]"),
                of("logSumExp", k -> k.logSumExp(f(2, 5), f(5)), "[5]", "[2, 5]"),
                of("logSumExpGradient", k -> k.logSumExpGradient(f(2, 5), f(2), f(3), null, f(2, 5)), "[3]", "[2, 5]"),
                of("klDivergence", k -> k.klDivergence(f(2, 5), f(2, 4), f(2), f(2), f(2)), "[2, 4]", "[2, 5]"),
                of("klDivergenceToGradient",
                        k -> k.klDivergenceToGradient(f(2, 5), f(2, 5), f(2), f(2), f(2), null, f(2, 6)),
                        "[2, 6]", "[2, 5]"),
                of("adamW", k -> k.adamW(f(6), f(5), f(6), f(6), step), "[6]", "[5]"));
    }

    @Override
    public String toString() {
        return name + " " + messageParts;
    }

    private static KernelRefusal of(String kernel, Consumer<Kernels> call, String... messageParts) {
        return new KernelRefusal(kernel, call, Stream.concat(Stream.of(kernel), Stream.of(messageParts)).toList());
    }

    private static INDArray f(long... shape) {
        return Nd4j.create(DataType.FLOAT, shape);
    }
}
