package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.methods.adapt.Dora;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.adapt.SavedAdapter;
import org.finetune4j.methods.objective.Sft;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a tuned model is saved as, and that no moment of saving loses what was saved before. */
class SavingTest {
    @TempDir
    static Path models;

    private static Path base;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeBase() throws IOException {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
        Files.writeString(base.resolve("README.md"), "---\nlanguage: en\nlicense: apache-2.0\n---\n# A base\n");
    }

    private static FineTuned tuned(Adapter adapter, int steps) {
        return tuned(base, adapter, steps);
    }

    private static FineTuned tuned(Path from, Adapter adapter, int steps) {
        return FineTuning.builder(new BaseModel.Pretrained(from), SmallModel.samples("train", 24, 1), new Sft())
                .adapter(adapter).train(TrainSettings.builder().maxSteps(steps).tokensPerBatch(300).learningRate(0.01).build())
                .evaluation(new Evaluation(SmallModel.samples("held", 5, 2), List.of(), 6))
                .recipe("{\"base\": \"base\"}").build().run(TrainingListener.NONE);
    }

    private static Map<String, String> hashes(Path place) throws IOException {
        Map<String, String> hashes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                hashes.put(place.relativize(file).toString(), Hashes.of(Files.readAllBytes(file)));
            }
        }
        return hashes;
    }

    @Test
    void aLargeModelIsSplitWithAnIndexAndReadsBackTheSame() throws IOException {
        try (FineTuned tuned = tuned(new Lora(2), 2)) {
            tuned.save(folder.resolve("whole"));
            new ModelExport((TunedModel) tuned).write(folder.resolve("split"), AtomicFiles.onDisk(), 20_000);
        }
        try (SafetensorsFile whole = SafetensorsFile.open(folder.resolve("whole"));
             SafetensorsFile split = SafetensorsFile.open(folder.resolve("split"))) {
            assertEquals(whole.names(), split.names());
            for (String name : whole.names()) {
                assertEquals(whole.read(name, DataType.FLOAT), split.read(name, DataType.FLOAT), name);
            }
        }
        try (Stream<Path> shards = Files.list(folder.resolve("split"))) {
            List<String> names = shards.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".safetensors")).sorted().toList();
            assertTrue(names.size() > 2 && names.get(0).equals("model-00001-of-0000" + names.size() + ".safetensors"),
                    names.toString());
        }
    }

    @Test
    void everyTensorKeepsTheTypeThatTheBaseStoresItIn() throws IOException {
        Path mixed = SmallModel.write(models.resolve("mixed"), DataType.FLOAT);
        try (SafetensorsFile file = SafetensorsFile.open(mixed)) {
            Map<String, INDArray> weights = new TreeMap<>();
            file.names().forEach(name -> weights.put(name, file.read(name, DataType.FLOAT)));
            SafetensorsWriter.create().storedAs(name -> name.contains("norm") ? DataType.DOUBLE
                    : name.contains("mlp") ? DataType.HALF : DataType.FLOAT)
                    .write(folder.resolve("model.safetensors"), weights, Map.of());
        }
        Files.move(folder.resolve("model.safetensors"), mixed.resolve("model.safetensors"),
                StandardCopyOption.REPLACE_EXISTING);
        try (SavedModel model = SavedModel.open(mixed, null);
             FineTuned adapted = tuned(mixed, new Lora(2), 1);
             FineTuned full = tuned(mixed, null, 1)) {
            model.save(folder.resolve("copied"));
            adapted.save(folder.resolve("adapted"));
            full.save(folder.resolve("full"));
        }
        try (SafetensorsFile expected = SafetensorsFile.open(mixed)) {
            for (String place : List.of("copied", "adapted", "full")) {
                try (SafetensorsFile saved = SafetensorsFile.open(folder.resolve(place))) {
                    assertEquals(expected.names(), saved.names());
                    expected.names().forEach(name ->
                            assertEquals(expected.info(name).type(), saved.info(name).type(), place + ": " + name));
                }
            }
        }
    }

    /** All ways from one tuned adapter to a merged model meet: from memory, from PEFT's files, in both layouts. */
    @Test
    void anAdapterFromItsFilesIsTheOneInMemory() throws IOException {
        for (Adapter adapter : List.of(new Lora(2, 4, 0, List.of("q_proj", "layers.1"), true, List.of(), List.of()),
                new Dora(3))) {
            Path out = folder.resolve(adapter.method().name());
            double after;
            try (FineTuned tuned = tuned(adapter, 4)) {
                after = tuned.comparisons().get(0).after().value();
                tuned.saveAdapter(out.resolve("adapter"));
                tuned.save(out.resolve("model"));
                tuned.saveGguf(out.resolve("tuned.gguf"), GgufType.F32);
            }
            try (SavedModel model = SavedModel.open(base, out.resolve("adapter"))) {
                model.save(out.resolve("merged"));
                model.saveGguf(out.resolve("merged.gguf"), GgufType.F32);
                assertTrue(assertThrows(FinetuneException.class, () -> model.save(out.resolve("merged"))).getMessage()
                        .contains("is there already"));
            }
            assertArrayEquals(Files.readAllBytes(out.resolve("model/model.safetensors")),
                    Files.readAllBytes(out.resolve("merged/model.safetensors")));
            assertArrayEquals(Files.readAllBytes(out.resolve("tuned.gguf")), Files.readAllBytes(out.resolve("merged.gguf")));
            SavedAdapter saved = new SavedAdapter(out.resolve("adapter").toString());
            try (FineTuned more = tuned(saved, 2)) {
                assertEquals(after, more.comparisons().get(0).before().value(), 1e-5, "it goes on where it stopped");
                more.saveAdapter(out.resolve("more"));
            }
            new SavedAdapter(out.resolve("more").toString()).linearAdapter();
        }
    }

    @Test
    void anAdapterThatDivergedIsNotSaved() {
        try (FineTuned tuned = tuned(new Lora(2), 1)) {
            ((TunedModel) tuned).model().parameters().flat().putScalar(7, Float.NaN);
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.saveAdapter(folder.resolve("adapter"))).getMessage()
                    .contains("has the value NaN"));
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.save(folder.resolve("model"))).getMessage()
                    .contains("NaN"));
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.saveGguf(folder.resolve("m.gguf"), GgufType.Q8_0))
                    .getMessage().contains("NaN"));
        }
        assertEquals(0, folder.toFile().list().length);
    }

    @Test
    void whatAKilledProcessWasReplacingIsNotLost() throws IOException {
        Path saved = Files.createDirectory(folder.resolve("saved.old-999999999-1"));
        Files.writeString(saved.resolve("notes.txt"), "of somebody");
        Path place = folder.resolve("saved");
        try (SavedModel model = SavedModel.open(base, null)) {
            assertTrue(assertThrows(FinetuneException.class, () -> model.save(place)).getMessage()
                    .contains("is there already"));
        }
        assertEquals("of somebody", Files.readString(place.resolve("notes.txt")));
        Files.move(place, saved);
        try (FineTuned tuned = tuned(new Lora(2), 1)) {
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.save(place)).getMessage()
                    .contains("holds other files"));
        }
        assertEquals("of somebody", Files.readString(place.resolve("notes.txt")));
    }

    /** Saves to a place, with the faults of a disk. */
    private interface Saving {
        void to(Path place, AtomicFiles files);
    }

    @Test
    void aCrashAtAnyMomentLeavesWhatWasSavedBefore() throws IOException {
        try (FineTuned old = tuned(new Lora(2), 1); FineTuned fresh = tuned(new Lora(2), 2)) {
            crash("model", place -> old.save(place), (place, files) -> new ModelExport((TunedModel) fresh).write(place, files,
                    40_000));
            crash("adapter", place -> old.saveAdapter(place),
                    (place, files) -> new AdapterExport((TunedModel) fresh).write(place, files));
            crash("model.gguf", place -> old.saveGguf(place, GgufType.Q8_0),
                    (place, files) -> new ModelExport((TunedModel) fresh).writeGguf(place, GgufType.Q8_0, files));
        }
    }

    private void crash(String name, java.util.function.Consumer<Path> old, Saving fresh) throws IOException {
        Path place = folder.resolve("crash-" + name).resolve(name);
        old.accept(place);
        Map<String, String> before = hashes(place);
        int last = 0;
        for (boolean crashed = true; crashed; last++) {
            try {
                fresh.to(place, new AtomicFiles(new CrashingDisk(last, CrashingDisk.Fault.CRASH)));
                crashed = false;
            } catch (CrashingDisk.Crash death) {
                AtomicFiles.onDisk().recover(place);
                Map<String, String> after = hashes(place);
                if (!after.equals(before)) {
                    // Already in place, and whole: the crash came while what is old was cleared away.
                    Path whole = folder.resolve("whole-" + name + last);
                    fresh.to(whole, AtomicFiles.onDisk());
                    assertEquals(hashes(whole), after, name + " after a crash at operation " + last);
                    before = after;
                }
            }
        }
        assertTrue(last > 3, name + " took only " + last + " operations");
    }

    @Test
    void theCardTellsHowItWasMadeAndIsLoaded() throws IOException {
        try (FineTuned tuned = tuned(new Dora(2), 1)) {
            tuned.save(folder.resolve("model"));
            tuned.saveAdapter(folder.resolve("adapter"));
        }
        String model = Files.readString(folder.resolve("model/README.md"));
        assertTrue(model.startsWith("---\nlibrary_name: transformers\npipeline_tag: text-generation\nlicense: apache-2.0\n"
                + "tags:\n- finetune4j\n- sft\n- dora\n---\n"), model);
        for (String part : List.of("AutoModelForCausalLM.from_pretrained", "arXiv 2402.09353", "| seed | `", "data, SHA-256",
                "| heldOutLoss | ", "{\"base\": \"base\"}", "`apache-2.0`; it binds this model too", "| finetune4j | `")) {
            assertTrue(model.contains(part), part + " is not in\n" + model);
        }
        String adapter = Files.readString(folder.resolve("adapter/README.md"));
        assertTrue(adapter.startsWith("---\nlibrary_name: peft\n") && adapter.contains("PeftModel.from_pretrained"), adapter);
    }
}
