package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Example;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Cft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Card {@code cft} with a model: what is learned of its rows, and what is asked in tests. */
class CritiqueRowsTest {
    private static final Cft CFT = new Cft(new Policy(), "critique", Cft.DropVerdict.NONE, false, 0.3, 0.95, 8, 0);

    @TempDir
    static Path models;

    private static Path base;

    @BeforeAll
    static void writeBase() {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
    }

    private static Sample row(String question, String solution, String critique) {
        return CFT.likely(List.of(new Sample("s:1", List.of(Message.user(question), Message.assistant(solution)),
                List.of(),
                null, Map.of("critique", critique)))).get(0);
    }

    /** The mean negative logarithm of the marked tokens' probabilities. */
    private static double loss(boolean[] marked, double[] probabilities) {
        return IntStream.range(0, marked.length).filter(i -> marked[i]).mapToDouble(i -> -Math.log(probabilities[i]))
                .average().orElseThrow();
    }

    @Test
    void nothingButTheCritiqueIsLearned() {
        try (Tokenizer tokenizer = Tokenizer.load(base)) {
            Example example = new TextEncoding(tokenizer, null).encode(row("abc?", "cba", "aba"));
            int[] learned = IntStream.range(0, example.ids().length).filter(i -> example.supervised()[i])
                    .map(i -> example.ids()[i]).toArray();
            assertEquals("aba<|im_end|>", tokenizer.decode(learned, false).strip());
            assertTrue(learned.length >= 3, "tokens of the critique and its end");

            // The card's probabilities on the last four tokens that are learned, and on two of the input before.
            boolean[] marked = new boolean[6];
            boolean[] leaked = {true, true, true, true, true, true};
            IntStream.range(2, 6).forEach(i -> marked[i] = true);
            double[] probabilities = {.3, .2, .9, .5, .8, .25};
            assertEquals(.601986, loss(marked, probabilities), 1e-6);
            assertEquals(.870226, loss(leaked, probabilities), 1e-4);
            int first = IntStream.range(0, example.supervised().length).filter(i -> example.supervised()[i]).findFirst()
                    .orElseThrow();
            assertFalse(example.supervised()[first - 1]);
        }
    }

    @Test
    void theSolutionIsReadAndNotLearned() {
        try (Nd4jKernels kernels = new Nd4jKernels(); Tokenizer tokenizer = Tokenizer.load(base);
             LanguageModel model = LanguageModel.load(base, Precision.F32, kernels)) {
            TextEncoding encoding = new TextEncoding(tokenizer, null);
            Example right = encoding.encode(row("ab?", "ba", "aba"));
            Example other = encoding.encode(row("ab?", "ab", "aba"));
            try (ModelScorer scorer = new ModelScorer(model, encoding, new LengthLimit(SmallModel.CONTEXT, false),
                    TooLong.KEEP_END, 512, TrainingListener.NONE, null)) {
                List<float[]> scores = scorer.tokenLogProbabilities(List.of(row("ab?", "ba", "aba"), row("ab?", "ab",
                        "aba"),
                        row("ab?", "ba", "aba")));
                assertEquals(right.supervisedTokens(), scores.get(0).length);
                assertEquals(other.supervisedTokens(), scores.get(1).length);
                assertArrayEquals(scores.get(0), scores.get(2), 1e-6f);
                assertTrue(Math.abs(scores.get(0)[0] - scores.get(1)[0]) > 1e-5,
                        "the critique depends on the solution");
            }
        }
    }

    @Test
    void testsAskThePlainQuestions() {
        DataSource data = DataSource.of("solutions", IntStream.range(0, 4).mapToObj(i -> new Sample("s:" + i,
                List.of(Message.user("abc" + i), Message.assistant("cba")), List.of(), null,
                Map.of("critique", "Conclusion: right"))).toList());
        DataSource heldOut = SmallModel.samples("held", 3, 2);
        List<String> stages = new ArrayList<>();
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), data, new Sft()).selector(CFT)
                .train(TrainSettings.builder().maxSteps(1).tokensPerBatch(200).maxLength(SmallModel.CONTEXT)
                        .tooLong(TooLong.KEEP_END).build())
                .evaluation(new Evaluation(heldOut, List.of(new ExactMatch()), 4)).build();
        assertEquals(List.of(), job.plan().problems());
        Preparation preparation = new Planner(job).prepare();
        assertEquals(heldOut.samples(), preparation.heldOut());
        assertTrue(preparation.heldOut().stream().flatMap(sample -> sample.messages().stream()).noneMatch(turn ->
                turn.text().contains("Critique")));
        try (FineTuned tuned = job.run(new TrainingListener() {
            @Override
            public void stageBegan(String stage) {
                stages.add(stage);
            }
        })) {
            assertFalse(stages.contains("write critiques"), "all are ready");
            assertEquals(3, tuned.comparisons().get(0).after().count());
        }
    }
}
