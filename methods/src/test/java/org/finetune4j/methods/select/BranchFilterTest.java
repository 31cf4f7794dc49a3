package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.DropSteps;
import org.finetune4j.methods.data.reasoning.BranchProxy;
import org.finetune4j.methods.data.reasoning.Reasoning;
import org.finetune4j.methods.data.reasoning.StepLabel;
import org.finetune4j.methods.data.reasoning.TokenLossProfile;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** The numbered tests of the card branch-filter. */
class BranchFilterTest {
    private static final List<String> DEFAULT_CUES = List.of("perhaps", "another", "alternatively");

    private static Sample trace(String id, String... steps) {
        return new Sample(id, List.of(Message.user("Perhaps another question?"), Message.assistant("<think>\n"
                + String.join("\n\n", steps) + "\n</think>\nAlternatively 7.")), List.of(), null,
                Map.of("reference", "a\n\nb\n\nc\n\nd"));
    }

    private static final List<Sample> TRACES = List.of(
            trace("T1", "Compute.", "Then add.", "Then halve.", "Done."),
            trace("T2", "Let n be even.", "Alternatively, try n odd.", "Perhaps use parity.", "So.", "So.", "So."),
            trace("T3", "Perhaps induct.", "Another idea: mod 4.", "Alternatively, write n=2k.", "So.", "So."),
            trace("T4", "First.", "Another way is this.", "So."),
            trace("T5", "Anotherwise typo.", "So.", "So."));

    private static BranchFilter filter(double keep) {
        return new BranchFilter(keep, BranchProxy.KEYWORDS, DEFAULT_CUES, "reference", false);
    }

    private static Selector.Selection select(BranchFilter filter, List<Sample> samples) {
        ScoringContext nobody = conversations -> {
            throw new AssertionError("the text alone decides");
        };
        return filter.select(samples, nobody);
    }

    private static List<String> kept(double keep) {
        return select(filter(keep), TRACES).samples().stream().map(Sample::id).toList();
    }

    @Test
    void test1TheShareOfStepsWithACueRanksAllSamples() {
        assertArrayEquals(new double[] {0, 1.0 / 3, 0.6, 1.0 / 3, 0}, filter(1).branching(TRACES), 1e-12);
        assertEquals(List.of("T1", "T2", "T4", "T5"), kept(0.8));
        assertEquals(List.of("T1", "T2", "T5"), kept(0.6));
        assertEquals(List.of("T1", "T2", "T3", "T4", "T5"), kept(1));
    }

    @Test
    void test2CuesCountOnceAStepInAnyCaseAndOnlyInReasoning() {
        List<Sample> samples = List.of(trace("A", "PERHAPS another, alternatively.", "So."), trace("B", "So."));
        assertArrayEquals(new double[] {0.5, 0}, filter(1).branching(samples), 0);
    }

    @Test
    void test3StepsAreComparedWithTheReference() {
        BranchFilter steps = new BranchFilter(0.9, BranchProxy.STEP_COUNT, List.of(), "reference", false);
        assertArrayEquals(new double[] {0, 0.5, 0.25, -0.25, -0.25}, steps.branching(TRACES), 1e-12);
        String message = assertThrows(FinetuneException.class, () -> new BranchFilter(0.9, BranchProxy.STEP_COUNT,
                List.of(), "other", false).branching(TRACES)).getMessage();
        assertTrue(message.contains("T1") && message.contains("'other'"), message);
    }

    @Test
    void test4ItIsNoFilterOfLength() {
        Sample steady = trace("long", Collections.nCopies(100, "And on.").toArray(String[]::new));
        Sample jumpy = trace("short", "Perhaps.", "Another.", "So.");
        Selector.Selection selection = select(filter(0.5), List.of(jumpy, steady));
        assertEquals(List.of(steady), selection.samples());
        assertEquals("0", selection.report().get("also kept by length alone"));
        assertEquals("1", selection.report().get("kept"));
    }

    @Test
    void test5KeptSetsAreNestedAndAllOfThemIsNoChange() {
        assertEquals(TRACES, select(filter(1), TRACES).samples());
        Set<String> smaller = new HashSet<>();
        for (double keep : new double[] {0.2, 0.4, 0.6, 0.8, 1}) {
            List<String> now = kept(keep);
            assertTrue(now.containsAll(smaller), now + " lacks some of " + smaller);
            assertEquals(Math.round(keep * 5), now.size());
            smaller.addAll(now);
        }
    }

    @Test
    void test6TransitionsAreCountedAmongStepsThatAreFollowed() {
        List<StepLabel> labels = "D P P D P D D V D P P".chars().filter(c -> c != ' ').mapToObj(c -> switch (c) {
            case 'D' -> StepLabel.DEDUCE;
            case 'P' -> StepLabel.PROPOSE;
            default -> StepLabel.VERIFY;
        }).toList();
        StepLabel.Pattern pattern = StepLabel.pattern(List.of(labels));
        assertEquals(0.5, pattern.transition(StepLabel.PROPOSE, StepLabel.PROPOSE), 1e-12);
        assertEquals(0.4545, pattern.shares().get(StepLabel.PROPOSE), 5e-5);
        assertEquals(0, pattern.transition(StepLabel.OTHER, StepLabel.DEDUCE));
        assertEquals(1, StepLabel.pattern(List.of(List.of(StepLabel.VERIFY, StepLabel.OTHER), List.of(StepLabel.OTHER)))
                .transition(StepLabel.VERIFY, StepLabel.OTHER), "no step follows the last one of a trajectory");
        assertThrows(FinetuneException.class, () -> StepLabel.pattern(List.of(List.of())));
    }

    private static List<String> steps(Sample sample) {
        return steps(sample, true);
    }

    @Test
    void test7DroppedStepsAreAsManyAsAskedAndNeverTheAnswer() {
        List<String> all = IntStream.range(0, 25).mapToObj(i -> "Step " + i + ".").toList();
        Sample whole = trace("w", all.toArray(String[]::new));
        DataSource data = DataSource.of("d", List.of(whole, whole.named("v")));
        List<Sample> dropped = new DropSteps(0.1, true, 3).of(data).samples();
        for (Sample sample : dropped) {
            List<String> left = steps(sample);
            assertEquals(23, left.size());
            assertEquals(left, all.stream().filter(left::contains).toList(), "the order stays");
            assertTrue(Objects.requireNonNull(sample.response()).endsWith("</think>\nAlternatively 7."));
            assertEquals(List.of("dropSteps"), sample.provenance().tags());
        }
        assertEquals(dropped, new DropSteps(0.1, true, 3).of(data).samples());
        Set<List<String>> seen = IntStream.range(0, 20).mapToObj(seed -> steps(new DropSteps(0.1, true, seed).of(data)
                .samples().get(0))).collect(Collectors.toSet());
        assertTrue(seen.size() > 10, "another seed drops other steps");
        assertThrows(FinetuneException.class, () -> filter(0.5).branching(dropped), "filter first");
    }

    @Test
    void withoutMarksTheLastStepIsTheAnswer() {
        Sample plain = new Sample("p", List.of(Message.user("?"), Message.assistant("one\ntwo\nthree\n42")), List.of(),
                null,
                Map.of());
        for (int seed = 0; seed < 20; seed++) {
            Sample left = new DropSteps(0.99, false, seed).of(DataSource.of("d", List.of(plain))).samples().get(0);
            assertEquals(2, steps(left, false).size());
            assertTrue(Objects.requireNonNull(left.response()).endsWith("\n42"), left.response());
        }
        assertThrows(FinetuneException.class, () -> Reasoning.of(plain, true));
        Sample thought = new Sample("t", List.of(Message.user("?"), Message.assistant("42").withReasoning("a\nb")),
                List.of(),
                null, Map.of());
        assertEquals(List.of("a", "b"), steps(thought));
        assertEquals("b", Reasoning.of(thought, true).with(thought, List.of("b")).messages().get(1).reasoning());
    }

    private static List<String> steps(Sample sample, boolean strict) {
        return Reasoning.of(sample, strict).steps();
    }

    @Test
    void samplesThatBranchAlikeAreRefused() {
        List<Sample> alike = new ArrayList<>(List.of(TRACES.get(0), TRACES.get(4)));
        List<String> problems = filter(0.5).problems(alike);
        assertEquals(1, problems.size());
        assertTrue(problems.get(0).contains("no variance") && problems.get(0).contains("set keep to 1"),
                problems.get(0));
        assertEquals(List.of(), filter(1).problems(alike));
        assertEquals(List.of(), filter(0.5).problems(TRACES));
        assertEquals(2, filter(0.5).likely(TRACES).size());
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        for (Map<String, Object> wrong : List.<Map<String, Object>>of(Map.of("keep", 0), Map.of("keep", 1.1),
                Map.of("cues", List.of()), Map.of("proxy", "step_count", "reference", ""))) {
            assertThrows(FinetuneException.class, () -> BranchFilter.METHOD.create(new Settings(wrong)),
                    wrong.toString());
        }
        assertThrows(FinetuneException.class, () -> new DropSteps(0, false, 1));
    }

    @Test
    void theProfileTellsRoutineFromKeyTokens() {
        TokenLossProfile profile = TokenLossProfile.of(new float[] {0.01f, 2, 0.04f, 0.5f, 1},
                new float[] {0.1f, 3, 0.2f, 2, 1});
        assertEquals(0.71, profile.mean(), 1e-6);
        assertEquals(0.5, profile.median(), 1e-6);
        assertEquals(2, profile.p90(), 1e-6);
        assertEquals(0.4, profile.routine(), 1e-6);
        assertEquals(2, profile.keyMean(), 1e-6);
        assertThrows(FinetuneException.class, () -> TokenLossProfile.of(new float[1], new float[2]));
    }
}
