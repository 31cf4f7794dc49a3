package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.methods.adapt.Dora;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.adapt.SavedAdapter;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Adapters go both ways between this library and PEFT: {@code peft_reference.py} applies PEFT's formulas, in double and by
 * PyTorch, to adapters of its own and to ours.
 */
class PeftAgreementTest {
    private static final Path MODEL = Path.of("..", "samples", "models", "tiny");

    @TempDir
    Path folder;

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(PeftAgreementTest.class.getResource("/peft/" + name).toURI());
    }

    private static JsonNode reference(String name) throws IOException, URISyntaxException {
        return new ObjectMapper().readTree(resource(name).toFile());
    }

    private static PackedBatch batch(JsonNode ids) {
        int[] tokens = IntStream.range(0, ids.size()).map(i -> ids.get(i).asInt()).toArray();
        int count = tokens.length - 1;
        float[] weights = new float[count];
        Arrays.fill(weights, 1);
        return new PackedBatch(tokens, IntStream.range(0, tokens.length).toArray(), new int[] {0, tokens.length},
                IntStream.range(0, count).toArray(), Arrays.copyOfRange(tokens, 1, tokens.length), weights);
    }

    private static void assertAgrees(JsonNode reference, String name, LanguageModel model, double tolerance) {
        try (TrainingEngine engine = new TrainingEngine(model, new Sft())) {
            float[] losses = engine.evaluate(batch(reference.get("ids"))).values().get("loss");
            double furthest = 0;
            for (int i = 0; i < losses.length; i++) {
                double expected = -reference.get(name).get(i).asDouble();
                assertEquals(expected, losses[i], tolerance + Math.ulp((float) expected), name + " token " + i);
                furthest = Math.max(furthest, Math.abs(expected + reference.get("base").get(i).asDouble()));
            }
            assertTrue(furthest > 0.1, "an adapter that changes nothing would agree as well");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lora", "rslora", "dora"})
    void theirAdaptersGiveTheirNumbers(String kind) throws Exception {
        JsonNode reference = reference("made.json");
        Adapter adapter = new SavedAdapter(resource("made/" + kind).toString());
        try (Kernels exact = new Nd4jKernels(); Kernels fast = new OneDnnKernels();
             LanguageModel inDouble = LanguageModel.load(MODEL, Precision.F64, exact);
             LanguageModel inFloat = LanguageModel.load(MODEL, Precision.F32, fast);
             LanguageModel merged = LanguageModel.load(MODEL, Precision.F64, exact)) {
            inDouble.attach(adapter.linearAdapter(), 1);
            assertAgrees(reference, kind, inDouble, 1e-9);
            inFloat.attach(adapter.linearAdapter(), 1);
            assertAgrees(reference, kind, inFloat, 1e-4);
            Map<String, INDArray> values = inDouble.adapterTensors();
            merged.baseTensors().forEach((name, weight) -> {
                String site = name.replace(".weight", "");
                if (inDouble.adaptedSites().contains(site)) {
                    weight.assign(adapter.merged(site, weight, suffix -> values.get(site + "." + suffix)));
                }
            });
            assertAgrees(reference, kind, merged, 1e-9);
        }
    }

    private static Adapter ours(String kind) {
        return switch (kind) {
            case "lora" -> new Lora(3, 6, 0.1, List.of("v_proj", "layers.5"), false, List.of("mlp=2"), List.of("q_proj=5"));
            case "rslora" -> new Lora(4, 2, 0, List.of("layers.2"), true, List.of(), List.of());
            default -> new Dora(2, 4, 0, List.of("layers.3"));
        };
    }

    /** The files under {@code ours} are what this test writes, and {@code ours.json} is what the script makes of them. */
    @ParameterizedTest
    @ValueSource(strings = {"lora", "rslora", "dora"})
    void ourAdaptersGiveOurNumbersThere(String kind) throws Exception {
        Adapter adapter = ours(kind);
        try (Kernels kernels = new OneDnnKernels(); LanguageModel model = LanguageModel.load(MODEL, Precision.F32, kernels)) {
            model.attach(adapter.linearAdapter(), 5);
            INDArray flat = model.parameters().flat();
            for (long i = 0; i < flat.length(); i++) {
                // Of 2^-8 steps, so that the files are small when packed.
                float value = flat.getFloat(i) + 0.05f * (float) CounterRandom.gaussian(9, i);
                flat.putScalar(i, Math.round(value * 256) / 256f);
            }
            AtomicFiles.onDisk().writeFolder(folder.resolve(kind), unfinished ->
                    AdapterExport.write(unfinished, folder.resolve(kind), model, adapter, "tiny"));
            for (String file : Set.of("adapter_model.safetensors", "adapter_config.json")) {
                assertArrayEquals(Files.readAllBytes(resource("ours/" + kind + "/" + file)),
                        Files.readAllBytes(folder.resolve(kind).resolve(file)), file);
            }
            assertAgrees(reference("ours.json"), kind, model, 1e-4);
        }
        try (Kernels kernels = new Nd4jKernels(); LanguageModel model = LanguageModel.load(MODEL, Precision.F64, kernels)) {
            model.attach(new SavedAdapter(folder.resolve(kind).toString()).linearAdapter(), 1);
            assertAgrees(reference("ours.json"), kind, model, 1e-9);
        }
    }
}
