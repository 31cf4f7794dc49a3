package org.finetune4j.methods.adapt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.model.ParameterSpec;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Card {@code peft}, what it says of LoRA. */
class LoraTest {
    private static final String SITE = "model.layers.0.self_attn.q_proj";
    private static final INDArray WEIGHT = Nd4j.createFromArray(new double[][] {{1, 2, 0}, {0, -1, 1}});
    private static final INDArray DOWN = Nd4j.createFromArray(new double[][] {{0.1, 0.2, -0.1}, {0, 0.3, 0.1}});
    private static final INDArray UP = Nd4j.createFromArray(new double[][] {{1, 0}, {-1, 2}});
    private static final INDArray INPUT = Nd4j.createFromArray(new double[][] {{1, -1, 2}});
    private static final Lora CARD = new Lora(2, 4, 0, Lora.ALL_LINEAR);

    private static StockSite site(INDArray down, INDArray up) {
        return new StockSite(SITE, WEIGHT, INPUT, Map.of("lora_A.weight", down, "lora_B.weight", up));
    }

    private static INDArray merged(Lora lora, INDArray weight, INDArray down, INDArray up) {
        return lora.merged(SITE, weight, suffix -> suffix.equals("lora_A.weight") ? down : up);
    }

    @Test
    void outputOfTheCard() {
        assertArrayEquals(new double[] {-1.6, 3.2}, site(DOWN, UP).output(CARD), 1e-12);
        Lora rooted = new Lora(2, 4, 0, Lora.ALL_LINEAR, true, List.of(), List.of());
        assertArrayEquals(new double[] {-1.848528, 3.282843}, site(DOWN, UP).output(rooted), 1e-6, "rsLoRA");
        Lora own = new Lora(8, 1, 0, Lora.ALL_LINEAR, false, List.of("q_proj=2"), List.of("self_attn=4", "q_proj=9"));
        assertArrayEquals(new double[] {-1.6, 3.2}, site(DOWN, UP).output(own), 1e-12, "rank and alpha of the target");
    }

    @Test
    void mergedWeightEqualsTheAdaptedLayer() {
        INDArray original = WEIGHT.dup();
        INDArray merged = merged(CARD, WEIGHT, DOWN, UP);
        assertArrayEquals(new double[] {-1.6, 3.2}, INPUT.mmul(merged.transpose()).toDoubleVector(), 1e-12);
        assertEquals(original, WEIGHT, "the original stays, so that a merge can be undone exactly");
        assertEquals(DataType.DOUBLE, merged.dataType());
    }

    @Test
    void subtractingTheProductAgainWouldNotUndoAMerge() {
        INDArray weight = Nd4j.createFromArray(new float[][] {{0.1f, 1e-3f}, {3.3f, -0.7f}});
        INDArray down = Nd4j.createFromArray(new float[][] {{0.37f, 9.1f}});
        INDArray up = Nd4j.createFromArray(new float[][] {{1.7f}, {0.3f}});
        Lora lora = new Lora(1, 3, 0, Lora.ALL_LINEAR);
        INDArray undone = merged(lora, merged(lora, weight, down, up), down, up.neg());
        assertTrue(undone.equalsWithEps(weight, 1e-5));
        assertNotEquals(Arrays.toString(weight.data().asFloat()), Arrays.toString(undone.data().asFloat()));
    }

    @Test
    void aMergeKeepsTheWeightsDataType() {
        INDArray merged = merged(CARD, WEIGHT.castTo(DataType.BFLOAT16), DOWN.castTo(DataType.FLOAT),
                UP.castTo(DataType.FLOAT));
        assertEquals(DataType.BFLOAT16, merged.dataType());
        INDArray exact = merged(CARD, WEIGHT, DOWN, UP).castTo(DataType.FLOAT);
        assertTrue(merged.castTo(DataType.FLOAT).equalsWithEps(exact, 1e-2));
    }

    @Test
    void arraysThatDoNotFitAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> merged(CARD, WEIGHT, UP, DOWN));
        assertThrows(IllegalArgumentException.class, () -> merged(new Lora(1), WEIGHT, DOWN, UP));
    }

    @Test
    void startsAsTheBase() {
        List<ParameterSpec> specs = new Lora(2).parameters(SITE, 3, 2);
        INDArray down = values(specs.get(0), 42);
        INDArray up = values(specs.get(1), 42);
        assertArrayEquals(INPUT.mmul(WEIGHT.transpose()).toDoubleVector(),
                site(down, up).output(new Lora(2)), 0);
        assertTrue(down.aminNumber().doubleValue() > 0, "A is not zero, or nothing would ever train");
    }

    @Test
    void firstValuesAreUniformWithinTheBound() {
        ParameterSpec spec = new Lora(16).parameters(SITE, 400, 400).get(0);
        INDArray values = values(spec, 7);
        double bound = 1 / Math.sqrt(400);
        assertTrue(values.maxNumber().doubleValue() < bound && values.maxNumber().doubleValue() > 0.99 * bound);
        assertTrue(values.minNumber().doubleValue() >= -bound && values.minNumber().doubleValue() < -0.99 * bound);
        assertEquals(0, values.meanNumber().doubleValue(), 0.02 * bound);
        assertEquals(bound / Math.sqrt(3), values.stdNumber().doubleValue(), 0.02 * bound);
        assertEquals(values, values(spec, 7));
        assertNotEquals(values, values(spec, 8));
        assertNotEquals(values, values(new Lora(16).parameters("model.layers.1.self_attn.q_proj", 400, 400).get(0), 7),
                "layers do not share their first values");
    }

    @Test
    void parametersOfALayer() {
        List<ParameterSpec> specs = new Lora(8).parameters(SITE, 64, 64);
        assertEquals(List.of(SITE + ".lora_A.weight", SITE + ".lora_B.weight"),
                specs.stream().map(ParameterSpec::name).toList());
        assertArrayEquals(new long[] {8, 64}, specs.get(0).shape());
        assertArrayEquals(new long[] {64, 8}, specs.get(1).shape());
        assertEquals(1024, specs.stream().mapToLong(spec -> spec.shape()[0] * spec.shape()[1]).sum());
    }

    @Test
    void targetsAreWholeSegments() {
        Lora second = new Lora(1, 16, 0, List.of("layers.2"));
        assertEquals(2, second.parameters("model.layers.2.mlp.up_proj", 4, 4).size());
        assertEquals(0, second.parameters("model.layers.21.mlp.up_proj", 4, 4).size());
        assertEquals(0, second.parameters("model.layers.12.mlp.up_proj", 4, 4).size());
        assertEquals(0, new Lora(1, 16, 0, List.of("proj")).parameters(SITE, 4, 4).size());
        assertEquals(2, new Lora(1, 16, 0, List.of("self_attn.q_proj")).parameters(SITE, 4, 4).size());
        assertEquals(0, new Lora(1, 16, 0, List.of("layersx2")).parameters("model.layers.2.mlp.up_proj", 4, 4).size());
    }

    @Test
    void aRankLargerThanTheLayerIsRefused() {
        String message = assertThrows(FinetuneException.class, () -> new Lora(9).parameters(SITE, 64, 8)).getMessage();
        assertTrue(message.contains("rank 9") && message.contains(SITE) && message.contains("[8, 64]")
                && message.contains("at most 8"), message);
        assertEquals(2, new Lora(8).parameters(SITE, 64, 8).size());
        assertEquals(0, new Lora(9, 16, 0, List.of("v_proj")).parameters(SITE, 64, 8).size(),
                "layers that are not targeted do not matter");
    }

    @Test
    void aModelThatDoesNotFitIsRefusedBeforehand() {
        Map<String, long[]> layers = new LinkedHashMap<>();
        for (String name : List.of("q_proj", "k_proj", "v_proj", "down_proj")) {
            layers.put("model.layers.0.self_attn." + name, new long[] {16, 32});
        }
        new Lora(16).requireFits(layers);
        assertTrue(assertThrows(FinetuneException.class, () -> new Lora(17).requireFits(layers)).getMessage()
                .contains("rank 17"));
        String message = assertThrows(FinetuneException.class,
                () -> new Lora(4, 16, 0, List.of("q_proj", "v_porj")).requireFits(layers)).getMessage();
        assertTrue(message.contains("'v_porj' names no linear layer") && message.contains("v_proj"), message);
    }

    @Test
    void dropoutTouchesTheLowRankPathOnly() {
        StockSite without = site(DOWN, UP);
        without.output(CARD);
        assertEquals(List.of(), without.dropped);
        StockSite with = site(DOWN, UP);
        assertArrayEquals(INPUT.mmul(WEIGHT.transpose()).toDoubleVector(),
                with.output(new Lora(2, 4, 0.25, Lora.ALL_LINEAR)), 0, "all dropped leaves the base's output");
        assertEquals(List.of(0.25), with.dropped);
    }

    @Test
    void peftConfiguration() {
        List<String> sites = List.of("model.layers.2.self_attn.q_proj", "model.layers.2.mlp.up_proj",
                "model.layers.3.self_attn.q_proj");
        Map<String, Object> config = new Lora(4, 8, 0.1, List.of("q_proj", "up_proj")).peftConfig("tiny", sites);
        assertEquals(List.of("q_proj", "up_proj"), config.get("target_modules"));
        assertEquals("LORA", config.get("peft_type"));
        assertEquals("CAUSAL_LM", config.get("task_type"));
        assertEquals("tiny", config.get("base_model_name_or_path"));
        assertEquals(4, config.get("r"));
        assertEquals(8L, config.get("lora_alpha"));
        assertEquals(0.1, config.get("lora_dropout"));
        assertEquals(0.5, new Lora(4, 0.5, 0, List.of("q_proj")).peftConfig("tiny", sites).get("lora_alpha"));
        assertEquals(List.of("model.layers.2.self_attn.q_proj", "model.layers.2.mlp.up_proj"),
                new Lora(4, 8, 0, List.of("layers.2")).peftConfig("tiny", sites).get("target_modules"),
                "PEFT matches ends of paths only");
        assertEquals("base_model.model." + SITE + ".lora_A.weight", PeftNames.inFile(SITE + ".lora_A.weight"));
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        for (Runnable wrong : List.<Runnable>of(() -> new Lora(0), () -> new Lora(1, 0, 0, Lora.ALL_LINEAR),
                () -> new Lora(1, 1, 1, Lora.ALL_LINEAR), () -> new Lora(1, 1, 0, List.of()),
                () -> new Lora(1, 1, 0, Lora.ALL_LINEAR, false, List.of("q_proj=1.5"), List.of()),
                () -> new Lora(1, 1, 0, Lora.ALL_LINEAR, false, List.of("q_proj"), List.of()),
                () -> new Lora(1, 1, 0, Lora.ALL_LINEAR, false, List.of(), List.of("q_proj=0")))) {
            assertTrue(assertThrows(FinetuneException.class, wrong::run).getMessage().startsWith("lora: setting '"));
        }
    }

    private static INDArray values(ParameterSpec spec, long seed) {
        double[] values = new double[(int) (spec.shape()[0] * spec.shape()[1])];
        for (int i = 0; i < values.length; i++) {
            values[i] = spec.initializer().value(seed, i);
        }
        return Nd4j.createFromArray(values).reshape(spec.shape());
    }
}
