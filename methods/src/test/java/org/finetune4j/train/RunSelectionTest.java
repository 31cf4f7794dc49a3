package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TooLong;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.methods.select.RifRft;
import org.finetune4j.methods.select.S3ft;
import org.finetune4j.methods.select.SelectionContext;
import org.finetune4j.methods.select.Selector;
import org.finetune4j.methods.select.Ssr;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

class RunSelectionTest {
    @TempDir
    static Path models;

    private static Path base;

    @TempDir
    Path folder;

    private final List<String> stages = new ArrayList<>();
    private final List<List<TextAnswer>> heard = new ArrayList<>();
    private int reports;

    private final TrainingListener listener = new TrainingListener() {
        @Override
        public void stageBegan(String stage) {
            stages.add(stage);
        }

        @Override
        public void selected(Map<String, String> report) {
            reports++;
        }
    };

    @BeforeAll
    static void writeBase() {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
    }

    /** Asks the policy and another model, and lets every sample be. */
    private final class Asking implements Selector {
        private final Method<Asking> method = new Method<>("asking", Method.Kind.SELECT, "Asking", "this test",
                settings -> this);
        private final List<TextSource> sources;

        private Asking(TextSource... sources) {
            this.sources = List.of(sources);
        }

        @Override
        public Method<Asking> method() {
            return method;
        }

        @Override
        public Map<String, Object> settings() {
            return Map.of();
        }

        @Override
        public Set<Trait> traits() {
            return Set.of();
        }

        @Override
        public Selection select(List<Sample> samples, SelectionContext context) {
            for (TextSource source : sources) {
                heard.add(context.answer(source, "ask", IntStream.range(0, samples.size()).mapToObj(i ->
                        new TextRequest(
                        samples.get(i).id(), samples.get(i).promptConversation(), new Decoding(1, 1, 5), i)).toList()));
            }
            return new Selection(samples, Map.of());
        }
    }

    private void run(Path weights, int samples, Selector... selectors) {
        FineTuning.Builder job = FineTuning.builder(new BaseModel.Pretrained(weights), SmallModel.samples("train",
                samples, 1),
                new Sft()).train(TrainSettings.builder().maxSteps(1).tokensPerBatch(300).build())
                .runFolder(folder.resolve("run" + samples));
        for (Selector selector : selectors) {
            job.selector(selector);
        }
        job.build().run(listener).close();
    }

    /** Tells what of too long a sample it hears. */
    private final class Fitting implements Selector {
        private final Asking named = new Asking();
        private final List<Boolean> told = new ArrayList<>();

        @Override
        public Method<? extends Fragment> method() {
            return named.method();
        }

        @Override
        public Map<String, Object> settings() {
            return Map.of();
        }

        @Override
        public Set<Trait> traits() {
            return Set.of();
        }

        @Override
        public Selection select(List<Sample> samples, SelectionContext context) {
            told.add(context.fits(samples.get(0)));
            told.add(context.fits(samples.get(0).withResponse("ab ".repeat(SmallModel.CONTEXT))));
            return new Selection(samples, Map.of());
        }
    }

    @Test
    void aSampleFitsUnlessItIsTooLongAndNotCut() {
        for (TooLong policy : TooLong.values()) {
            Fitting selector = new Fitting();
            FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 3, 1), new Sft())
                    .train(TrainSettings.builder().maxSteps(1).tokensPerBatch(300).tooLong(policy).build())
                    .selector(selector).build().run(listener).close();
            assertEquals(List.of(true, policy.cuts()), selector.told, policy.name());
        }
    }

    private List<String> lines(int samples) throws IOException {
        return Files.readAllLines(folder.resolve("run" + samples).resolve("answers.jsonl"));
    }

    @Test
    void answersAreGeneratedOnceByThePolicyBeforeTrainingAndByOtherModels() throws IOException {
        Path other = SmallModel.write(models.resolve("other"), DataType.FLOAT);
        run(base, 6, new Asking(new Policy(), new LocalModel(other.toString())));
        assertEquals(12, heard.stream().mapToInt(List::size).sum());
        assertTrue(heard.get(0).stream().allMatch(answer -> answer.newTokens() <= 5 && answer.promptTokens() > 5));
        // The other model has the same weights, so that it says the same, and other settings give another answer.
        assertEquals(heard.get(0), heard.get(1));
        assertTrue(heard.get(0).stream().map(TextAnswer::text).distinct().count() > 1);
        List<String> written = lines(6);

        run(base, 6, new Asking(new Policy()));
        assertEquals(written, lines(6), "nothing was generated again");
        assertEquals(heard.get(0), heard.get(2));
    }

    @Test
    void aRunThatWasKilledGoesOnAfterItsLastAnswer() throws IOException {
        run(base, 5, new Asking(new Policy()));
        Path file = folder.resolve("run5/answers.jsonl");
        List<String> written = lines(5);
        Files.write(file, written.subList(0, 2));
        Files.writeString(file, written.get(2).substring(0, 40), StandardOpenOption.APPEND);
        run(base, 5, new Asking(new Policy()));
        List<String> now = lines(5);
        assertEquals(written.subList(0, 2), now.subList(0, 2), "what was whole stays");
        assertEquals(written.subList(2, 5), now.subList(now.size() - 3, now.size()), "the others are generated again");
        assertEquals(heard.get(0), heard.get(1));
    }

    private List<Double> losses(Path run, Selector... selectors) {
        List<Double> losses = new ArrayList<>();
        FineTuning.Builder job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 10, 1),
                new Sft()).train(TrainSettings.builder().maxSteps(4).tokensPerBatch(60).build()).runFolder(run);
        List.of(selectors).forEach(job::selector);
        job.build().run(new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                losses.add(event.loss());
            }
        }).close();
        return losses;
    }

    @Test
    void withoutARightAnswerS3ftTrainsAsWithoutItBitForBit() {
        Judge never = new ExactAnswer(new ExactMatch("no such words", ExactMatch.Occurrence.FIRST, List.of(), false,
                false,
                false, false, ""));
        List<Double> plain = losses(folder.resolve("plain"));
        assertEquals(4, plain.size());
        assertEquals(plain, losses(folder.resolve("s3ft"), new S3ft(never, "", 1, 0, 1, 4, new Policy(), false, 0)));
        assertEquals(plain, losses(folder.resolve("ssr"), new Ssr(never, "answerable", Ssr.Route.JUDGED, 0, 1, 4, 0)));
        assertNotEquals(plain, losses(folder.resolve("self"), new Ssr(never, "answerable", Ssr.Route.SELF_ONLY, 1, 1,
                40, 0)));
    }

    @Test
    void whatIsNotThereYetIsToldByThePlan() {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 4, 1),
                new Sft())
                .selector(RifRft.METHOD.create(new Settings(Map.of())))
                .train(TrainSettings.builder().maxSteps(1).tokensPerBatch(300).build()).build();
        assertEquals(List.of("select: rifRft chooses prompts for reinforcement learning from the policy's own "
                + "answers, which is "
                + "not there yet; sft learns from responses. Leave the selector out."), job.plan().problems());
    }

    @Test
    void selectorsChooseOneAfterAnother() {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 4, 1),
                new Sft())
                .selector(new Grape()).selector(new Asking(new Policy()))
                .train(TrainSettings.builder().maxSteps(1).tokensPerBatch(300).build()).build();
        assertEquals(List.of("select with grape from pool", "select with asking from what is left"),
                job.plan().stages().subList(1, 3));
        job.run(listener).close();
        assertEquals(2, reports);
        assertEquals(4, heard.get(0).size());
        assertTrue(stages.indexOf("score the candidate responses") < stages.indexOf("ask"), stages.toString());
        assertNotEquals(-1, stages.indexOf("score the candidate responses"));
    }
}
