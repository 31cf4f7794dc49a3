package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.AnswerCache;
import org.finetune4j.methods.generate.CachedTextModel;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Card {@code s3ft}. */
class S3ftTest {
    private static final String OWN = "answer the prompts";
    private static final String REWORD = "reword the responses";

    @TempDir
    Path folder;

    private static Sample sample(int number, String gold) {
        return new Sample("s:" + number, List.of(Message.user("prompt " + number), Message.assistant(gold)), List.of(),
                null,
                Map.of());
    }

    private static List<Sample> golds(int count) {
        return IntStream.rangeClosed(1, count).mapToObj(i -> sample(i, "cb")).toList();
    }

    private static FakeContext context(Function<TextRequest, String> texts) {
        return new FakeContext(FakeContext.model("fake", texts), BigramModel.CARD, null);
    }

    /** Own answers "ac" and rewordings "ab". */
    private static String acThenAb(TextRequest request) {
        return isRewording(request) ? "ab" : "ac";
    }

    private static boolean isRewording(TextRequest request) {
        return request.conversation().messages().get(0).text().contains("in your own words");
    }

    private static List<String> targets(Selection selection) {
        return selection.samples().stream().map(sample -> sample.response() + " " + sample.provenance().tags().get(0))
                .toList();
    }

    /** Right are the own answer to the first prompt and the rewordings for the first two. */
    private static Judge cardVerdicts() {
        return new TableJudge(reply -> reply.text().equals("ac") ? reply.sample().id().equals("s:1")
                : !reply.sample().id().equals("s:3"));
    }

    @Test
    void routesByBothVerdicts() {
        FakeContext context = context(S3ftTest::acThenAb);
        Selection selection = new S3ft(cardVerdicts()).select(golds(3), context);
        assertEquals(List.of("ac self", "ab paraphrase", "cb gold"), targets(selection));
        assertEquals(3, context.count(OWN));
        assertEquals(List.of("s:2", "s:3"), context.asked.get(REWORD).stream().map(TextRequest::id).toList(),
                "nothing that is right is reworded");
        assertEquals("33.3 % (1)", selection.report().get("targets: the model's own answer"));
        assertEquals("33.3 % (1)", selection.report().get("targets: the response in its words"));
    }

    @Test
    void lossesOfTheCard() {
        Selection selection = new S3ft(cardVerdicts()).select(golds(3), context(S3ftTest::acThenAb));
        assertEquals(1.290921, BigramModel.CARD.loss(selection.samples()), 1e-6);
        assertEquals(2.228204, BigramModel.CARD.loss(golds(3)), 1e-6);
        Selection ssr = new Ssr(cardVerdicts()).select(golds(3), context(S3ftTest::acThenAb));
        assertEquals(1.745848, BigramModel.CARD.loss(ssr.samples()), 1e-6);
        double[] sums = {-2.343407, -2.590267, -6.684612};
        for (int i = 0; i < 3; i++) {
            assertEquals(sums[i], selection.scored().get(i).score(), 1e-6);
        }
        assertEquals("-1.2909", selection.report().get("mean log-probability a token, targets"));
        assertEquals("-2.2282", selection.report().get("mean log-probability a token, responses"));
    }

    private static S3ft of(Judge judge, String paraphrase) {
        return new S3ft(judge, paraphrase, 1, 0, 1, 512, new Policy(), false, 0);
    }

    @Test
    void limits() {
        FakeContext context = context(S3ftTest::acThenAb);
        Selection never = of(TableJudge.always(false), "").select(golds(4), context);
        assertEquals(golds(4).stream().map(sample -> sample.tagged("gold")).toList(), never.samples());
        assertEquals(0, context.count(REWORD));
        Selection always = of(TableJudge.always(true), S3ft.PARAPHRASE).select(golds(4), context);
        assertTrue(always.samples().stream().noneMatch(sample -> "cb".equals(sample.response())));
    }

    @Test
    void theResponseNeverLeaksIntoAPrompt() {
        List<Sample> given = List.of(new Sample("s:1", List.of(Message.system("Be brief."),
                Message.user("a {response} b"),
                Message.assistant("the gold $1 {prompt}")), List.of(), null, Map.of()));
        FakeContext context = new FakeContext(FakeContext.model("echo", request -> request.conversation().messages()
                .get(
                request.conversation().messages().size() - 1).text().contains("the gold $1 {prompt}")
                ? "the gold $1 {prompt}"
                : "no"), conversations -> conversations.stream().map(sample -> new float[] {-1}).toList(), null);
        Selection selection = new S3ft(new TableJudge(reply -> reply.text().startsWith("the gold"))).select(given,
                context);
        assertEquals(List.of("paraphrase"), selection.samples().get(0).provenance().tags());
        assertEquals(given.get(0).messages(), selection.samples().get(0).messages(), "the prompt is the sample's own");
        List<Message> shown = context.asked.get(REWORD).get(0).conversation().messages();
        assertEquals(Message.system("Be brief."), shown.get(0));
        assertTrue(shown.get(1).text().startsWith("a {response} b\n\nThis is a right answer:\nthe gold $1 {prompt}\n\n"),
                shown.get(1).text());
    }

    @Test
    void theSameSeedGivesTheSameAndASecondRunAsksNothing() {
        int[] generated = {0};
        S3ft drawn = new S3ft(cardVerdicts(), S3ft.PARAPHRASE, 1, 0.8, 1, 64, new Policy(), false, 5);
        Function<TextRequest, String> letters = request -> {
            generated[0]++;
            return "abc".substring(0, 1 + Math.floorMod(request.seed(), 3));
        };
        List<List<String>> runs = new java.util.ArrayList<>();
        int[] counts = new int[4];
        for (int run = 0; run < 4; run++) {
            TextModel model = FakeContext.model(run == 2 ? "other weights" : "weights", letters);
            S3ft method = run == 3 ? new S3ft(cardVerdicts(), S3ft.PARAPHRASE, 1, 0.8, 1, 64, new Policy(), false, 6)
                    : drawn;
            runs.add(targets(method.select(golds(20), new FakeContext(new CachedTextModel(model,
                    new AnswerCache(folder.resolve("answers.jsonl"))), BigramModel.CARD, null))));
            counts[run] = generated[0];
        }
        assertEquals(runs.get(0), runs.get(1));
        assertEquals(counts[0], counts[1], "nothing was generated again");
        assertEquals(2 * counts[0], counts[2], "other weights answer anew");
        assertNotEquals(runs.get(0), runs.get(3), "another seed draws others");
    }

    @Test
    void aProgramIsJudgedByItsTests() {
        Judge judge = new CodeTests(List.of("sh", "{file}"), "answer.sh", "tests", 0.7);
        Sample task = new Sample("code:1", List.of(Message.user("add"), Message.assistant("add() { expr $1 + $2; }")),
                List.of(), null, Map.of("tests", "[ \"$(add 2 3)\" = 5 ]"));
        Map<String, String> answers = Map.of("other words", "```sh\nadd() { echo $(($1 + $2)); }\n```\nas asked",
                "wrong", "add() { echo $(($1 - $2)); }", "slow", "sleep 60", "silent", "");
        answers.forEach((name, answer) -> {
            Selection selection = of(judge, "").select(List.of(task), new FakeContext(FakeContext.model(name,
                    request -> answer), conversations -> conversations.stream().map(sample -> new float[] {-1})
                    .toList(),
                    null));
            assertEquals(List.of(name.equals("other words") ? "self" : "gold"), selection.samples().get(0).provenance()
                    .tags(),
                    name);
        });
        assertEquals(List.of("code:2 has no field 'tests' with tests to run. Name the field by codeTests(tests = ...)."),
                new S3ft(judge).problems(List.of(task, new Sample("code:2", task.messages(), List.of(), null,
                Map.of()))));
    }

    @Test
    void ownWordsThatAreTooLongGiveWayToTheResponse() {
        List<Sample> given = List.of(sample(0, "ab"), sample(1, "ab"));
        FakeContext context = new FakeContext(FakeContext.model("long", request -> request.id().equals(given.get(0).id())
                ? "abcabcabc" : "ba"), conversations -> conversations.stream().map(sample -> new float[] {-1}).toList(), null);
        context.fitting = sample -> String.valueOf(sample.response()).length() < 5;
        Selection selection = of(new TableJudge(reply -> true), "").select(given, context);
        assertEquals(List.of("ab", "ba"), selection.samples().stream().map(Sample::response).toList());
        assertEquals(List.of(List.of("gold"), List.of("self")), selection.samples().stream().map(sample ->
                sample.provenance().tags()).toList());
        assertEquals("1", selection.report().get("own words too long to be trained on"));
        assertEquals("50.0 % (1)", selection.report().get("targets: the model's own answer"));
    }

    @Test
    void greedyTargetsAreNeverLessLikelyThanTheResponses() {
        for (long seed = 0; seed < 20; seed++) {
            BigramModel model = BigramModel.random(seed);
            Random random = new Random(seed);
            List<Sample> given = IntStream.range(0, 10).mapToObj(i -> sample(i, IntStream.range(0, 1
                    + random.nextInt(4))
                    .mapToObj(j -> "abc".substring(random.nextInt(3)).substring(0, 1)).reduce("", String::concat)))
                    .toList();
            TextModel greedy = FakeContext.model("greedy", request -> model.greedy(12));
            Selection selection = of(new TableJudge(reply -> reply.sample().id().hashCode() % 2 == 0), "").select(given,
                    new FakeContext(greedy, model, null));
            assertTrue(model.loss(selection.samples()) <= model.loss(given), "seed " + seed);
        }
    }

    @Test
    void answersThatAreCutOffOrOnlyThoughtAreNotTargets() {
        TextModel model = new TextModel() {
            @Override
            public void answer(List<TextRequest> requests, Listener listener) {
                String[] texts = {"aa", "<think>b</think> ", "<think>b</think> ab "};
                for (int i = 0; i < requests.size(); i++) {
                    listener.answered(i, new TextAnswer(texts[i], i > 0, 1, 1));
                }
            }

            @Override
            public String identity() {
                return "cut";
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
        Selection selection = of(TableJudge.always(true), "").select(golds(3), new FakeContext(model, BigramModel.CARD,
                null));
        assertEquals(List.of("cb gold", "cb gold", "ab self"), targets(selection));
        assertEquals("2", selection.report().get("answers cut off or empty"));
    }

    @Test
    void ofSeveralAnswersTheFirstRightOneIsTaken() {
        FakeContext context = context(request -> "abc".substring(0, 1 + Math.floorMod(request.seed(), 3)));
        S3ft three = new S3ft(new TableJudge(reply -> reply.text().equals("abc")), "", 8, 1, 1, 64, new Policy(),
                false, 1);
        Selection selection = three.select(golds(30), context);
        assertTrue(selection.samples().stream().filter(sample -> "abc".equals(sample.response())).count() >= 25);
        assertTrue(context.count(OWN) > 30 && context.count(OWN) < 240, "who has one is not asked again");
    }

    @Test
    void whatEachTargetIsIsKeptInTheFolder() throws IOException {
        new S3ft(cardVerdicts()).select(golds(3), new FakeContext(FakeContext.model("fake", S3ftTest::acThenAb),
                BigramModel.CARD, folder));
        List<String> lines = Files.readAllLines(folder.resolve("s3ft.jsonl"));
        assertEquals(3, lines.size());
        assertTrue(lines.get(1).startsWith("{\"id\":\"s:2\",\"target\":\"paraphrase\",\"response\":\"ab\",\"own\":\"rejected\","
                + "\"paraphrase\":\"accepted\",\"logProbability\":-2.59026"), lines.get(1));
    }

    @Test
    void whatIsWrongIsToldBefore() {
        assertEquals(List.of("s:9 has no response to fall back to. Give it one, or leave it out.",
                "s:9 has neither an answer "
                + "nor a response to judge replies by. Name the field that holds it by fields(answer = ...), or leave "
                + "the "
                + "sample out."), new S3ft(new ExactAnswer()).problems(List.of(sample(1, "a"), new Sample("s:9",
                        List.of(Message.user("?")), List.of(), null, Map.of()))));
        assertTrue(refusal(() -> of(new ExactAnswer(), "say {prompt} again")).contains("must hold the places {prompt} "
                + "and "
                + "{response}"));
        assertTrue(refusal(() -> new S3ft(new ExactAnswer(), "", 0, 1, 1, 5, new Policy(), false, 0))
                .contains("at least 1"));
        assertTrue(refusal(() -> new S3ft(new ExactAnswer(), "", 2, 0, 1, 5, new Policy(), false, 0)).contains(
                "all answers would be the same"));
        assertTrue(refusal(() -> new S3ft(new ExactAnswer(), "", 1, 0, 1, 5, new LocalModel("m"), false, 0)).contains(
                "set allowForeign = true"));
        assertFalse(new S3ft(new ExactAnswer(), "", 1, 0, 1, 5, new LocalModel("m"), true, 0).allowForeign() == false);
        assertEquals("s3ft needs a judge. Give one, such as exactAnswer() or llmJudge().", refusal(() ->
                new S3ft(null)));
    }

    private static String refusal(org.junit.jupiter.api.function.Executable made) {
        return assertThrows(FinetuneException.class, made).getMessage();
    }

    @Test
    void twoRoutersAndAWrongOrderAreRefused() {
        List<Sample> pool = List.of(new Sample("p:1", List.of(Message.user("x")), List.of(new Sample.Candidate("ab",
                "s"),
                new Sample.Candidate("ac", "s")), null, Map.of()));
        S3ft s3ft = new S3ft(new ExactAnswer());
        assertEquals(List.of(), SelectionRules.problems(List.of(new Grape(), s3ft), pool, "pool"));
        assertEquals(List.of("ssr and s3ft do the same: each sends a prompt to the model's own answer or to its "
                + "response. Keep "
                + "one of them."), SelectionRules.problems(List.of(new Ssr(new ExactAnswer()), s3ft), pool, "pool"));
        assertEquals(List.of("grape comes after s3ft, which leaves one response for each prompt, so that grape has "
                + "nothing to "
                + "choose. Write select(grape(...), s3ft(...)), or keep one of them."),
                SelectionRules.problems(List.of(s3ft, new Grape()), pool, "pool"));
        assertEquals(List.of("s3ft: p:1 has several candidate responses. Choose one of them before, as in "
                + "select(grape(), "
                + "...).", "s3ft: p:1 has neither an answer nor a response to judge replies by. Name the field that "
                + "holds it by "
                + "fields(answer = ...), or leave the sample out."), SelectionRules.problems(List.of(s3ft), pool,
                "pool"));
    }
}
