package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.select.Cft.DropVerdict;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code cft}. */
class CftTest {
    private static Sample sample(int number, String solution, Map<String, String> fields) {
        return new Sample("s:" + number, List.of(Message.user("2 + " + number + "?"), Message.assistant(solution)),
                List.of(),
                String.valueOf(2 + number), fields);
    }

    private static Cft cft(DropVerdict drop, boolean hideAnswer) {
        return new Cft(new Policy(), "critique", drop, hideAnswer, 0.3, 0.95, 64, 1);
    }

    @Test
    void theInputSplitsBackIntoQuestionAndSolution() {
        for (String question : List.of("2 + 3?", "Is this a Solution: or not?\nSolution: perhaps",
                "Solution:\nin one line",
                "Question:\nnested\n\nQuestion:\n")) {
            for (String solution : List.of("5", "I think\n\nSolution:\nis 5", "")) {
                assertEquals(Optional.of(new CritiqueFormat.Parts(question, solution)),
                        CritiqueFormat.parts(CritiqueFormat.prompt(question, solution)));
            }
        }
        // The first header decides, so that a question that holds it whole is cut there.
        assertEquals("a", CritiqueFormat.parts(CritiqueFormat.prompt("a\n\nSolution:\nb", "c")).orElseThrow()
                .question());
        assertEquals(Optional.empty(), CritiqueFormat.parts("2 + 3?"));
    }

    @Test
    void verdicts() {
        for (String text : List.of("It is fine. Conclusion: right [END]", "conclusion: RIGHT",
                "Well.\nConclusion: right.",
                "CONCLUSION:   **Right** [END]")) {
            assertEquals(Optional.of(true), CritiqueFormat.verdict(text), text);
        }
        assertEquals(Optional.of(false), CritiqueFormat.verdict("Step 2 is off.\nConclusion: wrong [END]"));
        for (String text : List.of("It is right.", "", "Conclusion: perhaps", "Conclusion: right. Conclusion: wrong",
                "Conclusion: right\nConclusion: right", "Conclusion: rightly so")) {
            assertEquals(Optional.empty(), CritiqueFormat.verdict(text), text);
        }
        assertEquals("Fine. Conclusion: right", CritiqueFormat.withoutEnd(" Fine. Conclusion: right [END] \n"));
    }

    /**
     * Finds fault with everything but "5", states the right value for the second sample, and says too much of the
     * third.
     */
    private static String teacher(TextRequest request) {
        String text = request.conversation().messages().get(0).text();
        boolean right = text.contains("solution:\n5\n");
        return switch (request.id()) {
            case "s:4" -> "It is 6. Conclusion: wrong [END]";
            case "s:5" -> "Conclusion: wrong. Conclusion: right";
            default -> "Seen. Conclusion: " + (right ? "right" : "wrong") + " [END]";
        };
    }

    private static List<Sample> samples() {
        return List.of(sample(3, "5", Map.of()), sample(4, "7", Map.of()), sample(5, "7", Map.of()), sample(6, "5",
                Map.of()),
                sample(7, "9", Map.of("critique", "Mine. Conclusion: right")));
    }

    @Test
    void trainsOnTheCritiqueOfQuestionAndSolution() {
        FakeContext context = FakeContext.answering(CftTest::teacher);
        Selection selection = cft(DropVerdict.NONE, false).select(samples(), context);
        assertEquals(4, context.count("write critiques"), "a ready critique is not asked for");
        assertEquals(List.of("s:3", "s:4", "s:6", "s:7"), selection.samples().stream().map(Sample::id).toList());
        Sample first = selection.samples().get(0);
        assertEquals(List.of(Message.user("Critique whether the following solution to the question is "
                + "correct.\n\nQuestion:\n2 + "
                + "3?\n\nSolution:\n5"), Message.assistant("Seen. Conclusion: right")), first.messages());
        assertEquals("Mine. Conclusion: right", selection.samples().get(3).response());
        assertEquals(Map.of("critiques kept", "4", "cut off", "0", "without one verdict", "1", "verdict right",
                "75.0 % (3)",
                "verdict wrong", "25.0 % (1)", "left out by verdict or answer", "0", "verdict as the rule has it",
                "75.0 % (3)",
                "state the reference answer", "25.0 % (1)", "mean length in characters", "28"), selection.report());
    }

    @Test
    void rowsAreLeftOutByVerdictAnswerAndLength() {
        assertEquals(List.of("s:4"), ids(cft(DropVerdict.RIGHT, false)));
        assertEquals(List.of("s:3", "s:6", "s:7"), ids(cft(DropVerdict.WRONG, false)));
        assertEquals(List.of("s:3", "s:6", "s:7"), ids(cft(DropVerdict.NONE, true)), "the critique of s:4 states 6");
        TextModel cut = new TextModel() {
            @Override
            public void answer(List<TextRequest> requests, Listener listener) {
                for (int i = 0; i < requests.size(); i++) {
                    listener.answered(i, new TextAnswer("Conclusion: right", i == 0, 1, 1));
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
        Selection selection = cft(DropVerdict.NONE, false).select(samples(), new FakeContext(cut, BigramModel.CARD,
                null));
        assertEquals(List.of("s:3", "s:7"), selection.samples().stream().map(Sample::id).toList());
        assertEquals("3", selection.report().get("cut off"));
        assertTrue(assertThrows(FinetuneException.class, () -> cft(DropVerdict.NONE, false).select(samples().subList(0,
                3),
                FakeContext.answering(request -> "no verdict"))).getMessage().startsWith("cft: none of 3 critiques is "
                + "left"));
    }

    private static List<String> ids(Cft cft) {
        return cft.select(samples(), FakeContext.answering(CftTest::teacher)).samples().stream().map(Sample::id)
                .toList();
    }

    @Test
    void refusals() {
        List<Sample> empty = List.of(sample(1, "3", Map.of()), sample(2, " ", Map.of()));
        assertEquals(List.of("s:2 has no solution to criticise: its response is missing or empty. Name the field that "
                + "holds it "
                + "by fields(response = ...), or leave the sample out."), cft(DropVerdict.NONE, false).problems(empty));
        assertEquals(1, cft(DropVerdict.NONE, false).problems(List.of(new Sample("s:3", List.of(Message.user("?")),
                List.of(),
                null, Map.of()))).size());
        assertThrows(FinetuneException.class, () -> Cft.METHOD.create(new Settings(Map.of("dropVerdict", "both"))));
        assertEquals(4, cft(DropVerdict.NONE, false).work(samples()).get(0).requests());
    }
}
