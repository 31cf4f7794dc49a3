package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.CurioSft;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.objective.Taught;
import org.finetune4j.methods.objective.Undesirable;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Another model as the reference of an objective, in whole runs. */
class TaughtTest {
    @TempDir
    Path folder;
    private Path base;

    @BeforeEach
    void write() {
        base = SmallModel.write(folder.resolve("base"), DataType.FLOAT);
    }

    /** A model with the tokenizer of the base and weights of its own, three blocks of 40 numbers. */
    private Path teacher(String name, int seed, int context) throws IOException {
        Path made = folder.resolve(name);
        SmallModel.writeUntrained(made, DataType.FLOAT);
        ModelConfig config = ModelConfig.llama(288, 40, 48, 3, 4, 2, 10, 1e-5, 10000, context, true, null, List.of(),
                DataType.FLOAT, 0.15);
        Files.writeString(made.resolve(ModelConfig.FILE_NAME), config.toJson());
        try (Nd4jKernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.random(config, Precision.F32, kernels, seed)) {
            SafetensorsWriter.create().storedAs(DataType.FLOAT).write(made.resolve("model.safetensors"), model.baseTensors(),
                    Map.of("format", "pt"));
        }
        return made;
    }

    private FineTuning.Builder job(Objective objective, Precision precision) {
        return FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 24, 1), objective)
                .train(TrainSettings.builder().maxSteps(6).tokensPerBatch(300).learningRate(0.01).checkpointEvery(2)
                        .precision(precision).build());
    }

    private static float[] weights(FineTuned tuned, Path folder) {
        tuned.save(folder);
        tuned.close();
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
            return file.read("model.layers.1.self_attn.q_proj.weight", DataType.FLOAT).ravel().toFloatVector();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void aCopyOfTheBaseIsTheAnchorItself(Precision precision) {
        Path copy = SmallModel.write(folder.resolve("copy"), DataType.FLOAT);
        for (boolean adapter : new boolean[] {true, false}) {
            float[][] found = new float[2][];
            for (int taught = 0; taught < 2; taught++) {
                Objective anchored = new Asft(0.3);
                FineTuning.Builder job = job(taught == 1 ? new Taught(anchored, copy.toString()) : anchored, precision);
                if (adapter) {
                    job.adapter(new Lora(4, 8, 0.1, Lora.ALL_LINEAR));
                }
                found[taught] = weights(job.build().run(TrainingListener.NONE), folder.resolve("out" + adapter + taught));
            }
            assertArrayEquals(found[0], found[1]);
        }
    }

    @Test
    void anotherTeacherTeachesOtherWeightsAndAnInterruptedRunEndsWithTheSameBits() throws IOException {
        Objective taught = new Taught(new Asft(0.5), teacher("teacher", 3, SmallModel.CONTEXT).toString(), 2, 0, 1);
        float[] anchored = weights(job(new Asft(0.5), Precision.F32).build().run(TrainingListener.NONE), folder.resolve("a"));
        float[] whole = weights(job(taught, Precision.F32).build().run(TrainingListener.NONE), folder.resolve("b"));
        assertFalse(Arrays.equals(anchored, whole));
        FineTuning job = job(taught, Precision.F32).runFolder(folder.resolve("run")).build();
        assertThrows(FinetuneException.class, () -> stopAfterThree(job));
        assertArrayEquals(whole, weights(job.run(TrainingListener.NONE), folder.resolve("c")));
        teacher("teacher", 4, SmallModel.CONTEXT);
        String message = assertThrows(FinetuneException.class, () -> job.run(TrainingListener.NONE)).getMessage();
        assertTrue(message.contains("of another job:\n  teacher was "), message);
    }

    private static void stopAfterThree(FineTuning job) {
        job.run(new TrainingListener() {
            private long step;

            @Override
            public void stepMade(StepEvent event) {
                step = event.step();
            }

            @Override
            public boolean stopRequested() {
                return step == 3;
            }
        }).close();
    }

    /** A share of 0 is no mask bit for bit, masks are other ones in every step, and a stopped run draws the same again. */
    @Test
    void aReferenceThatReadsMaskedTokensTeachesOtherWeights() {
        assertProblem(new Taught(new Asft(0.5), "", 1, 0, 1, 0.5, ""), "objective: taught: the tokenizer has no added token with");
        assertProblem(new Taught(new Asft(0.5), "", 1, 0, 1, 0.5, "<|no|>"), "maskToken '<|no|>'", "there is none of that name");
        Path given = folder.resolve("given");
        try (SavedModel model = SavedModel.open(base, null)) {
            model.saveWithTokens(given, List.of("<|mask|>"));
        }
        base = given;
        float[] plain = weights(job(new Asft(0.5), Precision.F32).build().run(TrainingListener.NONE), folder.resolve("p"));
        assertArrayEquals(plain, weights(job(new Taught(new Asft(0.5), "", 1, 0, 1, 0, ""), Precision.F32).build()
                .run(TrainingListener.NONE), folder.resolve("n")));
        Objective masked = new Taught(new Asft(0.5), "", 1, 0, 1, 0.5, "");
        float[] whole = weights(job(masked, Precision.F32).build().run(TrainingListener.NONE), folder.resolve("m"));
        assertFalse(Arrays.equals(plain, whole));
        FineTuning job = job(masked, Precision.F32).runFolder(folder.resolve("masked-run")).build();
        assertThrows(FinetuneException.class, () -> stopAfterThree(job));
        assertArrayEquals(whole, weights(job.run(TrainingListener.NONE), folder.resolve("s")));
        assertProblem(new Taught(masked, "", 1, 0, 1, 0.5, ""), "Keep one of them.");
    }

    @Test
    void thePlanNamesTheTeacherAndPricesIt() throws IOException {
        Path teacher = teacher("teacher", 3, SmallModel.CONTEXT);
        Plan plain = job(new Asft(0.5), Precision.F32).adapter(new Lora(4)).build().plan();
        Plan plan = job(new Taught(new Asft(0.5), teacher.toString()), Precision.F32).adapter(new Lora(4)).build().plan();
        assertEquals(List.of(), plan.problems());
        assertEquals("reference: the model " + teacher + ", which stays as it is", plan.models().get(1));
        assertEquals(0, plain.memory().referenceBytes());
        long numbers = 288 * 40 + 3 * (40 * 40 * 2 + 40 * 20 * 2 + 3 * 40 * 48 + 2 * 40) + 40;
        assertEquals(4.0 * numbers, plan.memory().referenceBytes(), 8);
        assertTrue(plan.seconds() > plain.seconds());
    }

    @Test
    void whatDoesNotGoTogetherIsRefusedBeforeAnythingIsLoaded() throws IOException {
        Path other = teacher("other", 3, SmallModel.CONTEXT);
        Path small = teacher("small", 3, 48);
        Path larger = folder.resolve("larger");
        SmallModel.write(larger, DataType.FLOAT);
        Files.writeString(larger.resolve(ModelConfig.FILE_NAME), Files.readString(larger.resolve(ModelConfig.FILE_NAME))
                .replaceAll("\"vocab_size\"\\s*:\\s*288", "\"vocab_size\":290"));
        Path renamed = SmallModel.write(folder.resolve("renamed"), DataType.FLOAT);
        try (Stream<Path> files = Files.list(renamed)) {
            for (Path file : files.filter(file -> file.toString().endsWith(".json")).toList()) {
                Files.writeString(file, Files.readString(file).replace("<|im_start|>", "<|im_begin|>"));
            }
        }
        assertProblem(new Taught(new Asft(0.5), folder.resolve("nowhere").toString()), "objective: ", "nowhere", "config.json");
        assertProblem(new Taught(new Asft(0.5), small.toString()), "objective: the teacher " + small
                + " reads at most 48 tokens, and samples may have 96. Set train.maxLength = 48");
        assertProblem(new Taught(new Asft(0.5), larger.toString()), "objective: ", "embed_tokens");
        assertProblem(new Taught(new Asft(0.5), renamed.toString()), "objective: the teacher " + renamed,
                "not the same: '<|im_begin|>'");
        assertProblem(new Taught(new Sft(), other.toString()), "objective: taught chooses the reference of its base, but sft");
        assertProblem(new Taught(new Asft(0), other.toString()), "but asft with these settings asks for none");
        assertProblem(new Taught(new Taught(new Asft(0.5), other.toString()), base.toString()), "Keep one of them.");
        assertProblem(new Taught(new Taught(new Asft(0.5), other.toString()), "", 1, 5, 1), "a reference of its own");
        assertProblem(new Taught(CurioSft.METHOD.create(new Settings(Map.of())), "", 1, 5, 0.5), "a reference of its own");
        String message = assertThrows(FinetuneException.class, () -> new Taught(new Asft(0.5), "there", 1, 5, 1)).getMessage();
        assertEquals("taught: setting 'every' is 5, but must be 0 beside the teacher 'there', which stays as it is.", message);
        assertThrows(FinetuneException.class, () -> new Taught(new Asft(0.5), "", 0, 5, 1));
        assertThrows(FinetuneException.class, () -> new Taught(new Asft(0.5), "", 1, 5, 0));
    }

    private void assertProblem(Objective objective, String... parts) {
        List<String> problems = job(objective, Precision.F32).build().plan().problems();
        for (String part : parts) {
            assertTrue(problems.stream().anyMatch(problem -> problem.contains(part)), problems + " lack " + part);
        }
    }

    /** An objective of a user's own, which asks for the reference. */
    private record Own() implements Objective {
        private static final Method<Own> NAMED = new Method<>("own", Method.Kind.OBJECTIVE, "own", "this test",
                settings -> new Own());

        @Override
        public Method<Own> method() {
            return NAMED;
        }

        @Override
        public TokenLoss tokenLoss() {
            return new Asft(0.5).tokenLoss();
        }
    }

    @Test
    void anObjectiveOfOnesOwnIsTaughtAndStillToldFromThoseOfTheCatalogue() throws IOException {
        Path teacher = teacher("teacher", 3, SmallModel.CONTEXT);
        float[] own = weights(job(new Taught(new Own(), teacher.toString()), Precision.F32).build().run(TrainingListener.NONE),
                folder.resolve("a"));
        assertArrayEquals(weights(job(new Taught(new Asft(0.5), teacher.toString()), Precision.F32).build()
                .run(TrainingListener.NONE), folder.resolve("b")), own);
        assertEquals(Optional.of("own"), OwnObjectiveWarning.ownOf(new Taught(new Own(), teacher.toString())));
        assertEquals(Optional.of("own"), OwnObjectiveWarning.ownOf(new Own()));
        assertEquals(Optional.empty(), OwnObjectiveWarning.ownOf(new Undesirable(new Asft(0.5), .1, 5)));
    }

    @Test
    void wrappersPassTheTeacherOn() throws IOException {
        Path teacher = teacher("teacher", 3, SmallModel.CONTEXT);
        Objective inner = new Taught(new Asft(0.5), teacher.toString());
        assertEquals(teacher, new Undesirable(inner, .1, 5).teacherFolder());
        try (FineTuned tuned = job(new Undesirable(inner, .1, 5), Precision.F32).adapter(new Lora(4)).build()
                .run(TrainingListener.NONE)) {
            assertTrue(tuned.lastStep().values().get("undesirable") > 0 && tuned.lastStep().values().get("kl") > 1e-3);
        }
    }
}
