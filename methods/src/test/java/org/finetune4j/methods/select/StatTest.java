package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.StepJudge;
import org.finetune4j.methods.judge.StepRewards;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Card {@code stat}. */
class StatTest {
    /** The card's pool: p1 to p8 at places 0 to 7. */
    private static final Map<String, List<Integer>> CARD_SKILLS = Map.of("eq", List.of(0, 1, 2, 3), "arith", List.of(1,
            4),
            "geo", List.of(5, 6, 7));
    private static final List<List<String>> CARD_PROFILES = List.of(List.of("eq", "arith"), List.of("eq"),
            List.of("arith", "geo"));

    @TempDir
    Path folder;

    @Test
    void rewardsOfSteps() {
        StepRewards rule = new StepRewards(0.85, 0.70);
        assertTrue(rule.good(new double[] {.90, .80, .95}));
        assertFalse(rule.good(new double[] {.99, .70, .99}));
        assertFalse(rule.good(new double[] {.99, .99, .85}));
        assertTrue(rule.good(new double[] {.84, .84, .90}));
        assertTrue(rule.good(new double[] {.71, .99, .99}));
        assertTrue(rule.good(new double[] {.86}));
        assertFalse(rule.good(new double[] {.80, .80, .90}), "the mean is 0.8333");
        assertFalse(new StepRewards(.5, .7).good(new double[] {.6, .9}));
        assertTrue(new StepRewards(.5, .7).good(new double[] {.9, .6}), "the last step is not held to the rule of "
                + "steps");
    }

    @Test
    void weightsOfTheCard() {
        SkillDraws draws = new SkillDraws(CARD_SKILLS, CARD_PROFILES, 2);
        double[] expected = {1, 3, 1, 1, 2, 2 / 3., 2 / 3., 2 / 3.};
        Map<Integer, Double> weights = draws.weights();
        for (int place = 0; place < 8; place++) {
            assertEquals(expected[place], weights.get(place), 1e-12);
        }
        assertEquals(10, weights.values().stream().mapToDouble(Double::doubleValue).sum(), 1e-12);
        double[] counts = new double[8];
        int seeds = 20_000;
        for (int seed = 0; seed < seeds; seed++) {
            for (SkillDraws.Draw draw : draws.draw(seed)) {
                assertEquals(draw.places().size(), Set.copyOf(draw.places()).size(), "no place twice within a draw");
                draw.places().forEach(place -> counts[place]++);
            }
        }
        for (int place = 0; place < 8; place++) {
            assertEquals(expected[place], counts[place] / seeds, .03 * expected[place]);
        }
    }

    @Test
    void whatNobodyLacksIsNeverDrawn() {
        SkillDraws draws = new SkillDraws(CARD_SKILLS, List.of(List.of("eq"), List.of(), List.of("unheard of")), 2);
        assertEquals(Set.of(0, 1, 2, 3), draws.weights().keySet());
        for (int seed = 0; seed < 200; seed++) {
            assertTrue(draws.draw(seed).stream().flatMap(draw -> draw.places().stream()).allMatch(place -> place < 4));
        }
        assertEquals(Map.of("eq", 1, "unheard of", 1), draws.counts());
    }

    @Test
    void agreement() {
        assertEquals(List.of(0, 2), Agreement.of(answers("12", "15", "12"), 2));
        assertEquals(List.of(), Agreement.of(answers("1", "2", "3"), 2));
        assertEquals(List.of(0, 1, 2), Agreement.of(answers("7", "7", "7"), 2));
        assertEquals(List.of(), Agreement.of(List.of(Optional.empty(), Optional.empty()), 1),
                "no answer agrees with nothing");
    }

    private static List<Optional<String>> answers(String... answers) {
        return List.of(answers).stream().map(Optional::of).toList();
    }

    @Test
    void sizesOfTheCard() {
        Map<String, List<Integer>> skills = new HashMap<>();
        IntStream.range(0, 20).forEach(skill -> skills.put("s" + skill, IntStream.range(10 * skill, 10 * skill + 10)
                .boxed()
                .toList()));
        List<List<String>> profiles = IntStream.range(0, 500).mapToObj(q -> IntStream.range(0, q % 2 == 0 ? 2 : 3)
                .mapToObj(i -> "s" + (q + i) % 20).toList()).toList();
        assertEquals(6250, new SkillDraws(skills, profiles, 5).draw(1).stream().mapToInt(draw -> draw.places().size())
                .sum());
        List<Sample> pool = pool(200);
        FakeContext context = FakeContext.answering(request -> "Question " + request.seed());
        new NewQuestions(new Policy(), 2, 3, 2, 64, 1).of(new SkillDraws(skills, profiles, 3).draw(1), pool, context);
        assertEquals(2500, context.count("invent questions"));
        assertEquals(7500, context.count("solve the new questions"));
        assertEquals(10_000, context.asked.values().stream().flatMap(List::stream).map(TextRequest::seed).distinct()
                .count());
    }

    private static List<Sample> pool(int size) {
        return IntStream.range(0, size).mapToObj(i -> new Sample("pool:" + i, List.of(Message.user("ask " + i),
                Message.assistant("answer " + i)), List.of(), null, Map.of("skills", i % 3 == 0 ? "[\"add\",\"carry\"]"
                : i % 3 == 1 ? "add" : "times, carry"))).toList();
    }

    private String validation(int... asks) throws IOException {
        Path file = folder.resolve("validation.jsonl");
        StringBuilder lines = new StringBuilder();
        for (int ask : asks) {
            lines.append("{\"prompt\": \"ask ").append(ask).append("\", \"answer\": \"").append(ask).append("\"}\n");
        }
        return Files.writeString(file, lines).toString();
    }

    /** Answers odd questions right; lacks a skill by the last digit of the question, and one that nobody knows. */
    private static String student(TextRequest request) {
        String text = request.conversation().messages().get(0).text();
        if (text.startsWith("ask ")) {
            int number = Integer.parseInt(text.substring(4));
            return number % 2 == 1 ? "it is " + number : "it is 7777";
        }
        return text.contains("ask 1000") ? "carry, flying" : text.contains("ask 1002") ? "1. times" : "";
    }

    private static Stat stat(String validation, Stat.Mode mode, int perSkill, int size) {
        return new Stat(validation, mode, new ExactAnswer(), new Policy(), "skills", perSkill, 3, 3, 2, 3, 2, size,
                500, 64, 3);
    }

    @Test
    void drawsWhatThePolicyLacks() throws IOException {
        String validation = validation(1000, 1001, 1002, 1004);
        FakeContext context = FakeContext.answering(StatTest::student);
        Selection selection = stat(validation, Stat.Mode.SELECT, 4, 0).select(pool(60), context);
        assertEquals(3, context.count("name the missing skills"), "only of bad answers");
        assertEquals("3", selection.report().get("answered badly"));
        assertEquals("1", selection.report().get("names that are no skill"), "flying");
        assertEquals(8, selection.samples().size(), "two questions lack a known skill");
        assertTrue(selection.samples().stream().allMatch(sample -> new SkillLabels("skills").of(sample)
                .contains("carry")));
        assertEquals(selection.samples(), stat(validation, Stat.Mode.SELECT, 4, 0).select(pool(60),
                FakeContext.answering(StatTest::student)).samples());
        assertEquals(3, stat(validation, Stat.Mode.SELECT, 4, 3).select(pool(60),
                FakeContext.answering(StatTest::student))
                .samples().size());
        assertEquals("stat: setting 'size' is 9, but there are only 8 pairs for the missing skills. Lower it, or set "
                + "it to 0 for "
                + "all of them.", assertThrows(FinetuneException.class, () -> stat(validation, Stat.Mode.SELECT, 4, 9)
                .select(pool(60), FakeContext.answering(StatTest::student))).getMessage());
    }

    @Test
    void noValidationQuestionIsTrainedOn() throws IOException {
        String validation = validation(0, 2, 6, 1000);
        Selection selection = stat(validation, Stat.Mode.SELECT, 100, 0).select(pool(30),
                new FakeContext(FakeContext.model("m", StatTest::student), BigramModel.CARD, null));
        Set<String> prompts = selection.samples().stream().map(sample -> sample.prompt().get(0).text())
                .collect(Collectors.toSet());
        assertTrue(prompts.size() > 5 && prompts.stream().noneMatch(Set.of("ask 0", "ask 2", "ask 6")::contains));
        assertEquals("3", selection.report().get("samples that ask a validation question, left out"));
        // A teacher that invents a question of the validation gets it left out as well.
        Selection invented = stat(validation, Stat.Mode.SYNTHESISE, 1, 0).select(pool(30),
                FakeContext.answering(request ->
                request.conversation().messages().get(0).text().startsWith("Here are questions")
                        ? request.seed() % 2 == 0 ? "ask 6" : "new " + request.seed() : student2(request)));
        assertTrue(!invented.samples().isEmpty() && invented.samples().stream().noneMatch(sample -> sample.prompt()
                .get(0)
                .text().equals("ask 6")));
    }

    private static String student2(TextRequest request) {
        String text = request.conversation().messages().get(0).text();
        return text.startsWith("new ") ? "it is 12" : student(request);
    }

    @Test
    void makesQuestionsWhoseSolutionsAgree() throws IOException {
        List<TextRequest> solved = new ArrayList<>();
        Selection selection = stat(validation(1000), Stat.Mode.SYNTHESISE, 1, 0).select(pool(30),
                FakeContext.answering(request -> {
                    String text = request.conversation().messages().get(0).text();
                    if (text.startsWith("Here are questions that exercise the skill 'carry'")) {
                        return "new " + request.seed();
                    }
                    if (text.startsWith("new ")) {
                        solved.add(request);
                        return "it is " + (solved.size() % 3 == 2 ? 15 : 12);
                    }
                    return student(request);
                }));
        assertEquals("2", selection.report().get("questions invented"));
        assertEquals("2", selection.report().get("questions whose solutions agree"));
        assertEquals(List.of("it is 12", "it is 12", "it is 12", "it is 12"), selection.samples().stream()
                .map(Sample::response).toList());
        assertEquals("12", selection.samples().get(0).answer());
        assertEquals(Map.of("skill", "carry"), selection.samples().get(0).fields());
    }

    @Test
    void studentsOfDifferentWeaknessGetDifferentQuestions() throws IOException {
        String validation = validation(1000, 1002, 1004, 1006);
        Map<String, Map<String, Integer>> counts = new TreeMap<>();
        for (String weak : List.of("carry", "times")) {
            Selection selection = stat(validation, Stat.Mode.SELECT, 5, 0).select(pool(90),
                    FakeContext.answering(request ->
                    request.conversation().messages().get(0).text().startsWith("ask ") ? "no" : weak.equals("carry")
                            ? "add" : "times"));
            Map<String, Integer> skills = new TreeMap<>();
            selection.samples().forEach(sample -> new SkillLabels("skills").of(sample).forEach(skill ->
                    skills.merge(skill, 1,
                    Integer::sum)));
            counts.put(weak, skills);
        }
        assertEquals(20, counts.get("carry").get("add"));
        assertFalse(counts.get("carry").containsKey("times"));
        assertEquals(20, counts.get("times").get("times"));
        assertFalse(counts.get("times").containsKey("add"));
    }

    @Test
    void stepsAreJudgedByAModel() throws IOException {
        StepJudge judge = new StepJudge(new Policy(), 0.85, 0.70);
        Sample question = pool(1).get(0);
        var reply = new org.finetune4j.methods.judge.Reply(question, "first\n\nsecond\nthird");
        var empty = new org.finetune4j.methods.judge.Reply(question, " ");
        FakeContext context = FakeContext.answering(request -> request.conversation().messages().get(0).text().contains(
                "Step 3: third") ? "0.9\n0.80\n.95" : "");
        assertEquals("[ACCEPTED, REJECTED]", judge.judge(List.of(reply, empty), context).toString());
        String message = assertThrows(FinetuneException.class, () -> judge.judge(List.of(reply),
                FakeContext.answering(request -> "0.9 and 1"))).getMessage();
        assertTrue(message.contains("the reply to pool:0 has 3 steps, but the policy as it is before training gave 2 "
                + "numbers"),
                message);
        assertThrows(FinetuneException.class, () -> new StepJudge(new Policy(), 1, .5));
    }

    @Test
    void whatIsWrongIsToldBefore() throws IOException {
        String validation = validation(1000);
        List<Sample> pool = new ArrayList<>(pool(2));
        pool.add(new Sample("pool:9", pool.get(0).messages(), List.of(), null, Map.of()));
        assertEquals(List.of("pool:9 has no skills in its field 'skills', and nothing labels them. Label the data, or "
                + "name the "
                + "field."), stat(validation, Stat.Mode.SELECT, 1, 0).problems(pool));
        assertThrows(FinetuneException.class, () -> stat(folder.resolve("none.jsonl").toString(), Stat.Mode.SELECT, 1,
                0)
                .problems(pool));
        assertEquals(List.of("stat: step 0.9 is above whole 0.5, so that single steps are held to more than whole "
                + "answers"),
                SelectionRules.notes(List.of(Stat.METHOD.create(new Settings(Map.of("hard", new StepJudge(new Policy(),
                .5,
                        .9))))), pool));
        assertThrows(FinetuneException.class, () -> Stat.METHOD.create(new Settings(Map.of("agree", 4))));
        assertThrows(FinetuneException.class, () -> Stat.METHOD.create(new Settings(Map.of("perSkill", 0))));
        Stat stat = stat(validation, Stat.Mode.SELECT, 1, 0);
        List<Sample> twice = List.of(pool.get(0), pool.get(0));
        assertEquals(List.of("grape takes repeated samples for one and comes after stat, which repeats samples so "
                + "that they "
                + "count more: its weights would be lost. Put grape before stat, or leave it out."),
                SelectionRules.problems(List.of(stat, new Grape()), twice, "pool"));
        assertEquals(1, stat.work(pool).stream().filter(work -> work.purpose().equals("names of missing skills"))
                .count());
    }
}
