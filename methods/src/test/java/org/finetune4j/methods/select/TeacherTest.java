package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.data.GeneralPoints;
import org.finetune4j.methods.data.Sokoban;
import org.finetune4j.methods.data.exam.AnswerLayout;
import org.finetune4j.methods.data.exam.Explanation;
import org.finetune4j.methods.data.puzzle.AnswerForm;
import org.finetune4j.methods.data.puzzle.LabelSet;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.judge.PuzzleAnswer;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** What teachers make for the cards prompt-diversity and llama-bar. */
class TeacherTest {
    private static final List<Sample> HANDS =
            new GeneralPoints(20, 4, 24, List.of("7,8,9"), GeneralPoints.Hands.WITH_FACE,
            AnswerForm.COT, 2, 5).of().samples();
    private static final List<Sample> BOARDS = new Sokoban(20, 6, 6, 1, LabelSet.RANDOM_WORDS, AnswerForm.ANSWER, 2, 5)
            .of()
            .samples();

    private static Verdict verdict(Sample sample, String text) {
        return new PuzzleAnswer().judge(List.of(new Reply(sample, text)), (source, stage, requests) -> List.of())
                .get(0);
    }

    @Test
    void puzzlesAreJudgedByTheirRules() {
        for (List<Sample> samples : List.of(HANDS, BOARDS)) {
            for (Sample sample : samples) {
                String answer = Objects.requireNonNull(sample.response());
                assertEquals(Verdict.ACCEPTED, verdict(sample, answer));
                assertEquals(Verdict.REJECTED, verdict(sample, "I do not know."));
                assertTrue(new PuzzleAnswer().problem(sample).isEmpty());
            }
        }
        Sample board = BOARDS.get(0);
        assertEquals(Verdict.REJECTED, verdict(board, "<answer> Up </answer>"),
                "a word that the prompt does not announce");
        assertTrue(new PuzzleAnswer()
                .problem(new Sample("q:1", List.of(Message.user("What is 2 + 2?")), List.of(), "4", Map.of()))
                .isPresent());
    }

    private static CotBySampling sampling(int tries) {
        return new CotBySampling(new Policy(), new PuzzleAnswer(), tries, 1, 100, 3);
    }

    @Test
    void theFirstRightAnswerIsKeptAndPromptsWithoutOneAreLeftOut() {
        Map<String, Integer> asked = new HashMap<>();
        FakeContext context = FakeContext.answering(request -> {
            int number = Integer.parseInt(request.id().substring(request.id().indexOf(':') + 1));
            int before = asked.merge(request.id(), 1, Integer::sum) - 1;
            // Prompt n is solved at its nth try, and every fifth never.
            return number % 5 == 0 || before < number - 1 ? "no"
                    : Objects.requireNonNull(HANDS.get(number - 1).response()) + " at try " + before;
        });
        Selector.Selection selection = sampling(6).select(HANDS, context);
        assertEquals(List.of("generalPoints-5:1", "generalPoints-5:2", "generalPoints-5:3", "generalPoints-5:4",
                "generalPoints-5:6"), selection.samples().stream().map(Sample::id).toList());
        assertTrue(Objects.requireNonNull(selection.samples().get(3).response()).endsWith(" at try 3"));
        assertEquals(1, asked.get("generalPoints-5:1"), "no more is asked than is needed");
        assertEquals(6, asked.get("generalPoints-5:20"));
        assertEquals("15", selection.report().get("left out"));
        assertEquals(20 * 6, sampling(6).work(HANDS).get(0).requests());
        assertEquals(List.of(), sampling(6).problems(HANDS));
        assertThrows(FinetuneException.class, () -> new CotBySampling(new Policy(), new PuzzleAnswer(), 2, 0, 100, 3));
        assertThrows(FinetuneException.class, () -> sampling(0));
    }

    private static Sample question(int number) {
        return new Sample("bar:" + number, List.of(Message.user("Who pays " + number + "?")), List.of(), "D",
                Map.of("domain", "Torts", "options", "[\"w\", \"x\", \"y\", \"z\"]", "explanation", "Because of "
                        + number + "."));
    }

    private static String structured(TextRequest request) {
        List<Message> turns = request.conversation().messages();
        String asked = turns.get(turns.size() - 1).text();
        assertTrue(asked.contains("Explanation: Because of "), asked);
        return request.id().equals("bar:2") ? "{\"Legal_Concept\": \"only\"}" : "```json\n{\"Legal_Concept\": \"c\", "
                + "\"Fact_Analysis\": \"f\", \"Rule_Application\": \"r\", \"Legal_Conclusion\": \"" + request.id()
                + "\"}\n```";
    }

    @Test
    void explanationsAreRestructuredAndLaidOut() {
        List<Sample> questions = List.of(question(1), question(2), question(3));
        IracDistill distill =
                new IracDistill(new Policy(), AnswerLayout.Format.NUMBERED, AnswerLayout.Order.ANSWER_FIRST, 0.2,
                1024, 0);
        FakeContext context = FakeContext.answering(TeacherTest::structured);
        Selector.Selection selection = distill.select(questions, context);
        assertEquals(List.of("bar:1", "bar:3"), selection.samples().stream().map(Sample::id).toList());
        AnswerLayout layout = new AnswerLayout(AnswerLayout.Format.NUMBERED, AnswerLayout.Order.ANSWER_FIRST, true);
        assertEquals(new AnswerLayout.Parsed("Torts", 'D', Explanation.irac("c", "f", "r", "bar:3")),
                layout.parse(Objects.requireNonNull(selection.samples().get(1).response())));
        assertEquals(layout.instruction(), selection.samples().get(0).messages().get(0).text());
        assertEquals(1, context.warnings.size());
        assertTrue(context.warnings.get(0).startsWith("1 of 3 explanations, such as that of bar:2"),
                context.warnings.get(0));
        assertEquals(3, context.count("restructure the explanations"));
        assertEquals(3, distill.work(questions).get(0).requests());
        assertEquals(3, distill.likely(questions).size());
        assertEquals(List.of(), distill.problems(questions));
        assertFalse(distill.problems(HANDS).isEmpty(), "hands of cards are no exam");
    }
}
