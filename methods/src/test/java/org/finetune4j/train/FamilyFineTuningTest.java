package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Families with fused, turned or many layers, from a folder through training to a merged model that says the same. */
class FamilyFineTuningTest {
    private static final Path FIXTURES = Path.of("..", "nd4j-ops", "src", "test", "resources", "families");

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"gpt2-bare, transformer.h.0.attn.c_attn, 8", "phi3, model.layers.1.self_attn.qkv_proj, 8",
        "gpt-neox, gpt_neox.layers.0.attention.query_key_value, 8", "gemma2, model.layers.0.mlp.gate_proj, 14",
        "qwen2-moe, model.layers.1.mlp.shared_expert.up_proj, 14"})
    void aTunedModelIsSavedAsItIs(String name, String site, int sites) throws IOException {
        Path base = base(name);
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 12, 1), new Sft())
                .adapter(new Lora(4)).train(TrainSettings.builder().maxSteps(3).tokensPerBatch(300).learningRate(0.02).build())
                .build();
        assertEquals(List.of(), job.plan().problems());
        try (FineTuned tuned = job.run(new TrainingListener() {
        })) {
            tuned.saveAdapter(folder.resolve("adapter"));
            // Reads the folder again and refuses a model that gives other probabilities than the one in memory.
            tuned.save(folder.resolve("model"));
        }
        try (SafetensorsFile before = SafetensorsFile.open(base);
                SafetensorsFile after = SafetensorsFile.open(folder.resolve("model"));
                SafetensorsFile adapter = SafetensorsFile.open(folder.resolve("adapter/adapter_model.safetensors"))) {
            assertEquals(2 * sites, adapter.names().size());
            assertTrue(adapter.contains("base_model.model." + site + ".lora_B.weight"), adapter.names().toString());
            String stored = name.equals("gpt2-bare") ? site.replace("transformer.", "") : site;
            INDArray difference = after.read(site + ".weight", DataType.FLOAT)
                    .sub(before.read(stored + ".weight", DataType.FLOAT));
            assertTrue(difference.amaxNumber().doubleValue() > 1e-4, "merged");
        }
    }

    /** A random model with the fixture's configuration, and a tokenizer. */
    private Path base(String name) throws IOException {
        Path base = folder.resolve("base");
        int vocabulary = SmallModel.writeUntrained(base, DataType.FLOAT).vocabularySize();
        ObjectNode fields = StrictJson.readObject(FIXTURES.resolve(name).resolve(ModelConfig.FILE_NAME), 1 << 20);
        fields.put("vocab_size", vocabulary);
        fields.put(name.startsWith("gpt2") ? "n_positions" : "max_position_embeddings", SmallModel.CONTEXT);
        fields.put("initializer_range", 0.2);
        Files.writeString(base.resolve(ModelConfig.FILE_NAME), fields.toString());
        try (Kernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.random(ModelConfig.read(base), Precision.F32, kernels, 11)) {
            Map<String, INDArray> tensors = new LinkedHashMap<>();
            model.baseTensors().forEach((own, array) -> tensors.put(
                    name.equals("gpt2-bare") ? own.replace("transformer.", "") : own, array));
            SafetensorsWriter.create().write(base.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
        }
        return base;
    }
}
