package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.GeneratedTokens;
import org.finetune4j.generation.GenerationRequest;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.generation.TokenListener;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.Brier;
import org.finetune4j.methods.evaluate.Calibration;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Examinee.Continuation;
import org.finetune4j.methods.evaluate.Examinee.Likelihood;
import org.finetune4j.methods.evaluate.Metric;
import org.finetune4j.methods.evaluate.MetricResult;
import org.finetune4j.methods.evaluate.MultipleChoice;
import org.finetune4j.methods.evaluate.Perplexity;
import org.finetune4j.methods.evaluate.Sampling;
import org.finetune4j.methods.evaluate.TokenF1;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Card {@code evaluation}, test 12, and what metrics are told of a model. */
class ModelExamineeTest {
    private static final List<String> LETTERS = List.of("a", "b", "c", "d");
    private static final List<String> WORDS = LETTERS.stream().flatMap(first -> LETTERS.stream().map(second -> first + second))
            .toList();

    @TempDir
    static Path folder;

    private static Kernels kernels;
    private static Tokenizer tokenizer;
    private static LanguageModel model;

    @BeforeAll
    static void load() {
        SmallModel.write(folder, DataType.FLOAT);
        kernels = new OneDnnKernels();
        tokenizer = Tokenizer.load(folder);
        model = LanguageModel.load(folder, Precision.F32, kernels);
    }

    @AfterAll
    static void close() {
        model.close();
        tokenizer.close();
        kernels.close();
    }

    private static ModelExaminee examinee(int tokensPerBatch) {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(folder), SmallModel.samples("train", 2, 1), new Sft())
                .train(TrainSettings.builder().maxSteps(1).tokensPerBatch(tokensPerBatch).build())
                .evaluation(new Evaluation(SmallModel.samples("held", 2, 2), List.of(), 5)).build();
        return new ModelExaminee(job, model, tokenizer, new LengthLimit(SmallModel.CONTEXT, true), "the model",
                TrainingListener.NONE);
    }

    private static List<Sample> samples() {
        return SmallModel.samples("held", 9, 2).samples();
    }

    @Test
    void aChoiceIsAsLikelyAsGenerationFindsItsToken() {
        Sample sample = samples().get(0);
        int[] prompt = new TextEncoding(tokenizer, null).prompt(sample.id(), sample.promptConversation());
        GeneratedTokens generated;
        try (Generator generator = new Generator(model)) {
            generated = generator.generate(List.of(new GenerationRequest(prompt, GenerationSettings.builder().maxNewTokens(1)
                    .logProbabilities(288).build(), 0)), TokenListener.NONE).get(0).get(0);
        }
        try (ModelExaminee examinee = examinee(200)) {
            List<Likelihood> found = examinee.likelihoods(LETTERS.stream().map(letter -> new Continuation(sample, letter))
                    .toList());
            for (int i = 0; i < LETTERS.size(); i++) {
                int token = tokenizer.encode(LETTERS.get(i), false).ids()[0];
                double expected = generated.choices().get(0).alternatives().stream().filter(one -> one.token() == token)
                        .findFirst().orElseThrow().logProbability();
                assertEquals(1, found.get(i).tokens());
                assertEquals(expected, found.get(i).sum(), 1e-4);
            }
            // Logits and log-probabilities of one position differ by the same number.
            double difference = found.get(0).meanLogit() - found.get(0).sum();
            found.forEach(one -> assertEquals(difference, one.meanLogit() - one.sum(), 1e-4));
        }
    }

    @Test
    void aTextInOneWindowIsTheTextWithoutContext() {
        try (ModelExaminee examinee = examinee(200)) {
            String text = "Turn round: abc cba";
            Likelihood whole = examinee.likelihoods(List.of(new Continuation(null, text))).get(0);
            assertEquals(whole.sum(), examinee.rollingLikelihoods(List.of(text), 0, 1).get(0).sum(), 1e-4);
            Likelihood short4 = examinee.rollingLikelihoods(List.of(text), 4, 1).get(0);
            assertEquals(whole.tokens(), short4.tokens());
            assertNotEquals(whole.sum(), short4.sum(), 1e-3, "less context predicts otherwise");
            assertTrue(assertThrows(FinetuneException.class, () -> examinee.rollingLikelihoods(List.of(text), 97, 1)).getMessage()
                    .contains("97 tokens, more than the model's context"));
            String message = assertThrows(FinetuneException.class, () -> examinee.likelihoods(List.of(new Continuation(
                    samples().get(0), "z ".repeat(100))))).getMessage();
            assertTrue(message.contains("held:1") && message.contains("longer than the model's context"), message);
        }
    }

    private static List<Metric> metrics() {
        Settings words = new Settings(Map.of("labels", WORDS));
        return List.of(new Perplexity(), new TokenF1(""), MultipleChoice.METHOD.create(words),
                MultipleChoice.METHOD.create(new Settings(Map.of("labels", WORDS, "normalise", "mutual_information"))),
                Brier.METHOD.create(words), Calibration.METHOD.create(words));
    }

    private static List<MetricResult> measure(List<Sample> samples, int tokensPerBatch) {
        try (ModelExaminee examinee = examinee(tokensPerBatch)) {
            return metrics().stream().flatMap(metric -> metric.measure(samples, examinee).stream()).toList();
        }
    }

    @Test
    void neitherBatchNorOrderChangesAScore() {
        List<MetricResult> first = measure(samples(), 10_000);
        List<Sample> turned = new ArrayList<>(samples());
        Collections.reverse(turned);
        for (List<MetricResult> other : List.of(measure(samples(), 1), measure(turned, 60))) {
            assertEquals(first.size(), other.size());
            for (int i = 0; i < first.size(); i++) {
                assertEquals(first.get(i).value(), other.get(i).value(), 1e-5 * Math.max(1, first.get(i).value()),
                        first.get(i).name());
            }
        }
    }

    @Test
    void measuringTwiceGivesTheSameBitsAndChangesNoWeight() {
        String before = model.parameters().hashOfFrozen();
        assertEquals(measure(samples(), 100), measure(samples(), 100));
        assertEquals(before, model.parameters().hashOfFrozen());
    }

    @Test
    void drawnAnswersFollowTheSeedAndTheSampleNotThePlace() {
        List<Sample> samples = samples();
        List<Sample> turned = new ArrayList<>(samples);
        Collections.reverse(turned);
        Sampling three = new Sampling(3, 2.0, 1, 5);
        try (ModelExaminee first = examinee(100); ModelExaminee second = examinee(100)) {
            List<List<String>> answers = first.answers(samples, three);
            List<List<String>> others = new ArrayList<>(second.answers(turned, three));
            Collections.reverse(others);
            assertEquals(answers, others);
            assertTrue(answers.stream().allMatch(drawn -> drawn.size() == 3));
            assertTrue(answers.stream().anyMatch(drawn -> drawn.stream().distinct().count() > 1), answers.toString());
            assertNotEquals(answers, first.answers(samples, new Sampling(3, 2.0, 1, 6)));
            assertEquals(first.answers(samples), first.answers(samples, new Sampling(1, 0, 1, 9)).stream()
                    .map(drawn -> drawn.get(0)).toList());
        }
    }

    @Test
    void whatIsAskedTwiceIsComputedOnce() {
        List<String> stages = new ArrayList<>();
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(folder), SmallModel.samples("train", 2, 1), new Sft())
                .evaluation(new Evaluation(SmallModel.samples("held", 2, 2), List.of(), 2)).build();
        try (ModelExaminee examinee = new ModelExaminee(job, model, tokenizer, new LengthLimit(SmallModel.CONTEXT, true), "it",
                new TrainingListener() {
                    @Override
                    public void stageBegan(String stage) {
                        stages.add(stage);
                    }
                })) {
            examinee.answers(samples());
            examinee.answers(samples().subList(3, 5));
            metrics().subList(2, 3).get(0).measure(samples(), examinee);
            metrics().subList(4, 5).get(0).measure(samples(), examinee);
        }
        assertEquals(List.of("generate answers with it", "score texts with it"), stages);
    }

    @Test
    void anExitIsTheModelThatEndsThere() throws IOException {
        Path cut = SmallModel.write(folder.resolve("cut"), DataType.FLOAT);
        Path config = cut.resolve(ModelConfig.FILE_NAME);
        String whole = Files.readString(config);
        Files.writeString(config, whole.replaceAll("(\"num_hidden_layers\"\\s*:\\s*)2", "$11"));
        assertNotEquals(whole, Files.readString(config));
        Map<String, INDArray> kept = new TreeMap<>(model.baseTensors());
        kept.keySet().removeIf(name -> name.contains("layers.1."));
        SafetensorsWriter.create().storedAs(DataType.FLOAT).write(cut.resolve("model.safetensors"), kept, Map.of("format", "pt"));
        Sampling drawn = new Sampling(2, 1, 1, 3);
        List<Continuation> asked = samples().stream().map(sample -> new Continuation(sample, "ab")).toList();
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(folder), SmallModel.samples("train", 2, 1), new Sft())
                .evaluation(new Evaluation(SmallModel.samples("held", 2, 2), List.of(), 5)).build();
        try (LanguageModel first = LanguageModel.load(cut, Precision.F32, kernels);
             ModelExaminee truncated = new ModelExaminee(job, first, tokenizer, new LengthLimit(SmallModel.CONTEXT, true),
                     "the first block", TrainingListener.NONE);
             ModelExaminee examinee = examinee(100)) {
            assertEquals(2, examinee.blocks());
            assertSame(examinee, examinee.exitAt(2));
            Examinee exit = examinee.exitAt(1);
            assertEquals(1, exit.blocks());
            for (int i = 0; i < asked.size(); i++) {
                assertEquals(truncated.likelihoods(asked).get(i).sum(), exit.likelihoods(asked).get(i).sum(), 1e-5);
                assertEquals(truncated.likelihoods(asked).get(i).meanLogit(), exit.likelihoods(asked).get(i).meanLogit(), 1e-5);
                assertNotEquals(examinee.likelihoods(asked).get(i).sum(), exit.likelihoods(asked).get(i).sum(), 1e-3);
            }
            assertEquals(truncated.answers(samples(), drawn), exit.answers(samples(), drawn));
            assertNotEquals(examinee.answers(samples(), drawn), exit.answers(samples(), drawn));
            assertTrue(assertThrows(FinetuneException.class, () -> examinee.exitAt(3)).getMessage()
                    .contains("no exit at block 3, because the model has blocks 1 to 2"));
        }
    }

    @Test
    void anAdapterCounts() {
        try (LanguageModel adapted = LanguageModel.load(folder, Precision.F32, kernels)) {
            adapted.attach(new Lora(4), 1);
            Continuation asked = new Continuation(samples().get(0), "ab");
            double before = scored(adapted, asked);
            try (ModelExaminee plain = examinee(100)) {
                assertEquals(plain.likelihoods(List.of(asked)).get(0).sum(), before, 1e-5);
            }
            adapted.parameters().flat().addi(0.05);
            adapted.parameters().mastersChanged();
            assertNotEquals(before, scored(adapted, asked), 1e-3);
        }
    }

    private static double scored(LanguageModel other, Continuation asked) {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(folder), SmallModel.samples("train", 2, 1), new Sft())
                .build();
        try (ModelExaminee examinee = new ModelExaminee(job, other, tokenizer, new LengthLimit(SmallModel.CONTEXT, true), "it",
                TrainingListener.NONE)) {
            return examinee.likelihoods(List.of(asked)).get(0).sum();
        }
    }
}
