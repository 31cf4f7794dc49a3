package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.decode.AggregationPrompt;
import org.finetune4j.methods.decode.ProposeAndAggregate;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Card {@code aft} with a model: what is learned of its rows, and inference with the tuned model. */
class AggregationRowsTest {
    @TempDir
    static Path models;

    private static Path base;

    @BeforeAll
    static void writeBase() {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
    }

    private static Sample row(String drafts, String answer) {
        List<Message> turns = new ArrayList<>(new AggregationPrompt(false).of(Conversation.of(Message.user("abc")),
                List.of(drafts)).messages());
        // The small model's context is short, so that the row keeps its end.
        turns.set(0, Message.user(turns.get(0).text().substring(turns.get(0).text().length() - 20)));
        turns.add(Message.assistant(answer));
        return new Sample("s:1", turns, List.of(), null, Map.of());
    }

    @Test
    void draftsAreReadAndNotLearned() {
        try (Nd4jKernels kernels = new Nd4jKernels(); Tokenizer tokenizer = Tokenizer.load(base);
             LanguageModel model = LanguageModel.load(base, Precision.F32, kernels)) {
            TextEncoding encoding = new TextEncoding(tokenizer, null);
            try (ModelScorer scorer = new ModelScorer(model, encoding, new LengthLimit(SmallModel.CONTEXT, false),
                    TooLong.ERROR, 512, TrainingListener.NONE, null)) {
                List<float[]> scores = scorer.tokenLogProbabilities(List.of(row("ab", "cb"), row("ba", "cb"), row("ab",
                        "bc")));
                assertEquals(encoding.encode(row("ab", "cb")).supervisedTokens(), scores.get(0).length);
                assertEquals(scores.get(0).length, scores.get(1).length, "drafts add no token to learn");
                assertTrue(Math.abs(scores.get(0)[0] - scores.get(1)[0]) > 1e-5, "the answer depends on the drafts");
                assertTrue(!Arrays.equals(scores.get(0), scores.get(2)));
            }
        }
    }

    @Test
    void aTunedModelProposesDraftsOfItsOwn() {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 4, 1),
                new Sft())
                .train(TrainSettings.builder().maxSteps(1).tokensPerBatch(200).build()).build();
        try (FineTuned tuned = job.run(TrainingListener.NONE); TextModel texts = tuned.texts()) {
            assertEquals(SmallModel.CONTEXT, texts.window().orElseThrow().tokens());
            assertEquals("ab", texts.window().orElseThrow().first().apply("ab", 5));
            List<List<String>> runs = new ArrayList<>();
            for (int run = 0; run < 2; run++) {
                List<Integer> calls = new ArrayList<>();
                runs.add(new ProposeAndAggregate(3, 1, 1, 1, 1, 1, 4, false, 5).answer(
                        List.of(Conversation.of(Message.user("ab"))), requests -> {
                            calls.add(requests.size());
                            // The prompt with drafts is longer than this small model's context: only drafting is
                            // measured.
                            return calls.size() > 1 ? List.of(new TextAnswer("end", true, 1, 1)) : answers(texts,
                                    requests);
                        }, Optional.empty()).get(0).layers().get(0));
                assertEquals(List.of(3, 1), calls);
            }
            assertEquals(runs.get(0), runs.get(1), "a seed makes the same drafts");
            assertTrue(runs.get(0).stream().distinct().count() > 1, runs.get(0).toString());
        }
    }

    private static List<TextAnswer> answers(TextModel texts, List<TextRequest> requests) {
        TextAnswer[] answers = new TextAnswer[requests.size()];
        texts.answer(requests, (request, answer) -> answers[request] = answer);
        return List.of(answers);
    }
}
