package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.puzzle.AnswerForm;
import org.finetune4j.methods.data.puzzle.CardFaces;
import org.finetune4j.methods.data.puzzle.LabelSet;
import org.finetune4j.methods.data.puzzle.Move;
import org.finetune4j.methods.data.puzzle.MoveLabels;
import org.finetune4j.methods.data.puzzle.PointsScore;
import org.finetune4j.methods.data.puzzle.PointsSolver;
import org.finetune4j.methods.data.puzzle.Probe;
import org.finetune4j.methods.data.puzzle.Probes;
import org.finetune4j.methods.data.puzzle.SokobanBoard;
import org.finetune4j.methods.data.puzzle.SokobanGame;
import org.finetune4j.methods.data.puzzle.SokobanSolver;
import org.finetune4j.methods.data.puzzle.WordPool;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** The numbered tests of the card prompt-diversity. */
class PromptDiversityTest {
    private static final Map<List<Integer>, Boolean> SOLVABLE = new HashMap<>();

    private static boolean solvable(List<Integer> numbers) {
        return SOLVABLE.computeIfAbsent(numbers.stream().sorted().toList(), sorted ->
                PointsSolver.solvable(sorted, 24));
    }

    private static int[] multisets(int highest) {
        int solved = 0;
        int all = 0;
        for (int a = 1; a <= highest; a++) {
            for (int b = a; b <= highest; b++) {
                for (int c = b; c <= highest; c++) {
                    for (int d = c; d <= highest; d++) {
                        all++;
                        solved += solvable(List.of(a, b, c, d)) ? 1 : 0;
                    }
                }
            }
        }
        return new int[] {solved, all};
    }

    private static int hands(CardFaces faces) {
        int solved = 0;
        for (int hand = 0; hand < 13 * 13 * 13 * 13; hand++) {
            solved += solvable(faces.values(List.of(hand % 13 + 1, hand / 13 % 13 + 1, hand / 169 % 13 + 1,
                    hand / 2197 + 1))) ? 1 : 0;
        }
        return solved;
    }

    @Test
    void test1TheSolverFindsAsManyHandsAsThereAre() {
        assertEquals(List.of(1362, 1820), List.of(multisets(13)[0], multisets(13)[1]));
        assertEquals(List.of(566, 715), List.of(multisets(10)[0], multisets(10)[1]));
        assertEquals(20_876, hands(new CardFaces(10, 10, 10)));
        assertEquals(22_615, hands(new CardFaces(11, 12, 13)));
        assertEquals(23_687, hands(new CardFaces(5, 5, 5)));
        assertEquals(21_122, hands(new CardFaces(7, 7, 7)));
        assertEquals(25_067, hands(new CardFaces(12, 12, 12)));
    }

    private static int score(String formula, Integer... numbers) {
        return PointsScore.of(formula, List.of(numbers), 24).reward();
    }

    @Test
    void test2FormulasAreScoredInExactArithmetic() {
        assertEquals(5, score("1*2*3*4", 1, 2, 3, 4));
        assertEquals(5, score("(1+2+3)*4=24", 1, 2, 3, 4));
        assertEquals(-1, score("1+2+3+4", 1, 2, 3, 4));
        assertEquals(-2, score("1+2+3", 1, 2, 3, 4));
        assertEquals(-2, score("1+2+3+5", 1, 2, 3, 4));
        assertEquals(-3, score("(1+2+3)x4", 1, 2, 3, 4));
        assertEquals(-3, score("(1+2)3+4", 1, 2, 3, 4));
        assertEquals(5, score("8/(3-8/3)", 3, 3, 8, 8));
        assertEquals(1, score("8/(3-8/", 3, 3, 8, 8), "the beginning of the only solution");
        assertEquals(1, score("((1+2+3)*", 1, 2, 3, 4), "a bracket that is not needed");
        assertEquals(-3, score("8*(3-8/", 3, 3, 8, 8), "no solution begins so");
        assertEquals(-3, score("", 1, 2, 3, 4));
        assertEquals(-1, score("4/(1+2-3)", 1, 2, 3, 4), "a division by 0 gives no value");
        assertEquals(-3, score("(".repeat(100_000), 1, 2, 3, 4));
        assertEquals(-3, score("99999999999+1", 1, 2, 3, 4));
    }

    @Test
    void theSolversFormulasAreRightAndNeedTheirBrackets() {
        for (int i = 0; i < 300; i++) {
            Draws draws = new Draws(5, "hands", i);
            List<Integer> hand = List.of(draws.between(1, 13), draws.between(1, 13), draws.between(1, 13),
                    draws.between(1, 13));
            PointsSolver.Solution solution = PointsSolver.solve(hand, 24, 2);
            if (solution != null) {
                assertEquals(PointsScore.CORRECT, PointsScore.of(solution.formula(), hand, 24), solution.formula());
                int last = Math.max(Math.max(solution.formula().lastIndexOf('*'), solution.formula().lastIndexOf('+')),
                        Math.max(solution.formula().lastIndexOf('/'), solution.formula().lastIndexOf('-')));
                assertEquals(PointsScore.UNFINISHED, PointsScore.of(solution.formula().substring(0, last + 1), hand,
                        24),
                        solution.formula());
            }
        }
    }

    private static List<Move> solve(String... rows) {
        return SokobanSolver.solve(SokobanBoard.parse(List.of(rows)));
    }

    @Test
    void test3BreadthFirstSearchFindsTheShortestSolution() {
        assertEquals(List.of(Move.DOWN, Move.RIGHT, Move.UP, Move.RIGHT, Move.DOWN),
                solve("######", "#P___#", "#_X__#", "#__O_#", "#____#", "######"));
        assertEquals(List.of(Move.UP), solve("######", "#_O__#", "#_X__#", "#_P__#", "#____#", "######"));
        assertNull(solve("######", "#X__P#", "#____#", "#__O_#", "#____#", "######"), "a box in a corner stays there");
        assertEquals(List.of(), solve("####", "#√P#", "####"));
    }

    @Test
    void boardsAreReadAndWrittenAlike() {
        String rows = "#####\n#S√X#\n#_O_#\n#####";
        assertEquals(rows, SokobanBoard.parse(List.of(rows.split("\n"))).toString());
        assertThrows(FinetuneException.class, () -> SokobanBoard.parse(List.of("#P#", "##")));
        assertThrows(FinetuneException.class, () -> SokobanBoard.parse(List.of("#PP#")));
    }

    private static Sokoban boards(int rows, LabelSet labels, AnswerForm form) {
        return new Sokoban(rows, 6, 6, 1, labels, form, 1, 7);
    }

    @Test
    void test4WhatAPromptAnnouncesTurnsTheAnswerIntoTheSolversMove() {
        Map<String, Move> solved = new HashMap<>();
        Sokoban diverse = boards(10_000, LabelSet.RANDOM_WORDS, AnswerForm.ANSWER);
        int checked = 0;
        for (var rows = diverse.generate().iterator(); rows.hasNext(); checked++) {
            Sample sample = rows.next();
            String prompt = sample.prompt().get(0).text();
            MoveLabels labels = MoveLabels.announced(prompt);
            assertEquals(4, new HashSet<>(labels.names().values()).size());
            List<String> given = MoveLabels.given(Objects.requireNonNull(sample.response()));
            Move expected = solved.computeIfAbsent(SokobanGame.shown(prompt).toString(), board ->
                    Objects.requireNonNull(SokobanSolver.solve(SokobanGame.shown(prompt))).get(0));
            assertEquals(List.of(expected), given.stream().map(labels::move).toList(), prompt);
        }
        assertEquals(10_000, checked);
    }

    @Test
    void test4HoldsForBoardsThatWereDiversifiedLaterInEveryCopyOtherwise() {
        Sokoban plain = boards(200, LabelSet.WORDS, AnswerForm.ANSWER);
        List<Sample> made = new Diversified(List.of("Up", "Down", "Left", "Right"), 3, 5).of(plain.of()).samples();
        assertEquals(600, made.size());
        assertEquals(600, made.stream().map(Sample::id).distinct().count());
        Set<Map<Move, String>> announced = new HashSet<>();
        for (Sample sample : made) {
            MoveLabels labels = MoveLabels.announced(sample.prompt().get(0).text());
            announced.add(labels.names());
            assertEquals(List.of(Objects.requireNonNull(SokobanSolver.solve(
                            SokobanGame.shown(sample.prompt().get(0).text()))).get(0)),
                    MoveLabels.given(Objects.requireNonNull(sample.response())).stream().map(labels::move).toList());
        }
        assertTrue(announced.size() > 590, announced.size() + " different maps");
    }

    /** Plays Sokoban perfectly, calling the moves as the prompt says or as training did. */
    private static UnaryOperator<String> player(UnaryOperator<MoveLabels> words) {
        return prompt -> words.apply(MoveLabels.announced(prompt)).answer(
                Objects.requireNonNull(SokobanSolver.solve(SokobanGame.shown(prompt))).subList(0, 1));
    }

    @Test
    void test5OnlyWhoIgnoresThePromptWinsFakeGames() {
        Sokoban training = boards(1, LabelSet.WORDS, AnswerForm.ANSWER);
        MoveLabels trained = MoveLabels.of(List.of("Up", "Down", "Left", "Right"));
        UnaryOperator<String> parrot = player(announced -> trained);
        UnaryOperator<String> follower = player(announced -> announced);
        for (Probe fake : Probes.fakePrompts(training, LabelSet.WORDS, 10)) {
            assertEquals(1.0, fake.run(parrot).success(), fake.name());
            assertEquals(0.0, fake.run(follower).success(), fake.name());
        }
        for (Probe variant : Probes.instructionVariants(training, 20)) {
            assertEquals(new Probe.Result(variant.name(), 20, 0, 0), variant.run(parrot));
            assertEquals(new Probe.Result(variant.name(), 20, 1, 1), variant.run(follower));
        }
        assertEquals(3, Probes.difficultyVariants(training, 1).size());
        for (Probe harder : Probes.difficultyVariants(training, 1)) {
            assertEquals(1.0, harder.run(follower).success(), harder.name());
        }
    }

    private static final java.util.regex.Pattern CARDS = java.util.regex.Pattern.compile("of the cards ([^.]+)\\.");

    private static UnaryOperator<String> dealer(UnaryOperator<CardFaces> faces) {
        return prompt -> {
            var matcher = CARDS.matcher(prompt);
            assertTrue(matcher.find());
            List<Integer> cards = List.of(matcher.group(1).split(" ")).stream().map(name -> {
                int face = List.of("J", "Q", "K").indexOf(name);
                return face >= 0 ? 11 + face : name.equals("A") ? 1 : Integer.parseInt(name);
            }).toList();
            List<Integer> numbers = faces.apply(CardFaces.announced(prompt)).values(cards);
            PointsSolver.Solution solution = PointsSolver.solve(numbers, 24, 0);
            return "{\"cards\": [], \"numbers\": " + numbers + ", \"formula\": \""
                    + (solution == null ? "" : solution.formula()) + "\"}";
        };
    }

    @Test
    void test5OnlyWhoIgnoresTheFacesWinsFakeHands() {
        GeneralPoints training = new GeneralPoints(1, 4, 24, List.of("10,10,10"), GeneralPoints.Hands.ANY,
                AnswerForm.ANSWER, 3, 7);
        CardFaces ten = new CardFaces(10, 10, 10);
        UnaryOperator<String> parrot = dealer(announced -> ten);
        UnaryOperator<String> follower = dealer(announced -> announced);
        for (Probe fake : Probes.fakePrompts(training, ten, 40)) {
            assertEquals(1.0, fake.run(parrot).success(), fake.name());
            assertEquals(0.0, fake.run(parrot).validity(), fake.name());
            assertEquals(1.0, fake.run(follower).validity(), fake.name());
            assertEquals(0.0, fake.run(follower).success(), fake.name());
        }
        for (Probe variant : Probes.instructionVariants(training, 40)) {
            assertEquals(new Probe.Result(variant.name(), 40, 0, 0), variant.run(parrot));
            assertEquals(new Probe.Result(variant.name(), 40, 1, 1), variant.run(follower));
        }
        for (Probe harder : Probes.difficultyVariants(training, 5)) {
            assertEquals(new Probe.Result(harder.name(), 5, 1, 1), harder.run(follower));
        }
    }

    @Test
    void aProbeOfWhatWasTrainedIsRefused() {
        assertThrows(FinetuneException.class, () -> Probes.instructionVariants(boards(1, LabelSet.NUMERICAL,
                AnswerForm.ANSWER), 1));
        assertThrows(FinetuneException.class, () -> Probes.instructionVariants(new GeneralPoints(1, 4, 24,
                List.of("10,10,10", "5,5,5"), GeneralPoints.Hands.ANY, AnswerForm.ANSWER, 3, 7), 1));
        assertThrows(FinetuneException.class, () -> Probes.fakePrompts(boards(1, LabelSet.WORDS, AnswerForm.ANSWER),
                LabelSet.RANDOM_WORDS, 1));
    }

    /** A seven and a face of 5 make 12, and no two cards do so with faces of 5 and of 10 alike. */
    @Test
    void handsThatDoNotExistAreNotSearchedForWithoutEnd() {
        GeneralPoints two = new GeneralPoints(1, 2, 12, List.of("5,5,5"), GeneralPoints.Hands.WITH_FACE, AnswerForm.ANSWER, 3, 7);
        String message = assertThrows(FinetuneException.class,
                () -> Probe.fakeGeneralPoints("faces 5,5,5", two, new CardFaces(10, 10, 10), 3)).getMessage();
        assertTrue(message.startsWith("of 1500 hands of 2 cards that make 12 with faces 5,5,5, 0 make it with those of training "
                + "too, but 3 are wanted."), message);
    }

    private static Set<Set<Map.Entry<Move, String>>> quadruples(Sokoban boards) {
        Set<Set<Map.Entry<Move, String>>> all = new HashSet<>();
        boards.generate().forEach(sample ->
                all.add(MoveLabels.announced(sample.prompt().get(0).text()).names().entrySet()));
        return all;
    }

    @Test
    void test6DiverseLabelsDifferInEverySampleAndFixedOnesInNone() {
        assertTrue(quadruples(boards(2000, LabelSet.RANDOM_WORDS, AnswerForm.ANSWER)).size() >= 1980);
        assertEquals(1, quadruples(boards(2000, LabelSet.WORDS, AnswerForm.ANSWER)).size());
        assertEquals(WordPool.WORDS.size(), new HashSet<>(WordPool.WORDS).size());
        assertTrue(WordPool.WORDS.size() >= 200);
    }

    @Test
    void everyPositionOfASolutionIsASampleAndReasoningEndsInItsAnswer() {
        List<Sample> samples = boards(50, LabelSet.CARDINAL, AnswerForm.COT).of().samples();
        assertEquals(50, samples.stream().map(Sample::id).distinct().count());
        assertEquals("sokoban-7:1", samples.get(0).id());
        assertEquals("sokoban-7", samples.get(0).provenance().source());
        for (int i = 1; i < samples.size(); i++) {
            String before = Objects.requireNonNull(samples.get(i - 1).fields().get("solution"));
            if (before.contains(" ")) {
                assertEquals(before.substring(before.indexOf(' ') + 1), samples.get(i).fields().get("solution"));
            }
        }
        String answer = Objects.requireNonNull(samples.get(0).response());
        assertTrue(answer.matches("(?s)<think>\nI am at \\(\\d,\\d\\), .*\n</think>\n<answer> (North|South|West|East) "
                + "</answer>"),
                answer);
    }

    @Test
    void handsTakeTurnsWithTheFacesAndTheirAnswersAreRight() {
        GeneralPoints diverse = new GeneralPoints(400, 4, 24, GeneralPoints.DIVERSE_FACES, GeneralPoints.Hands.ANY,
                AnswerForm.COT, 2, 3);
        List<Sample> samples = diverse.of().samples();
        assertEquals(Map.of("8,8,8", 50L, "9,9,9", 50L, "10,10,10", 50L, "8,9,10", 100L, "7,8,9", 50L, "5,7,9",
                50L, "6,8,10", 50L), samples.stream().collect(Collectors.groupingBy(sample ->
                Objects.requireNonNull(sample.fields().get("faces")), Collectors.counting())));
        var hands = diverse.deals().iterator();
        for (Sample sample : samples) {
            var hand = hands.next();
            assertEquals(hand.prompt(), sample.prompt().get(0).text());
            assertEquals(hand.faces(), CardFaces.announced(hand.prompt()));
            assertTrue(hand.isValid(Objects.requireNonNull(sample.response())));
            assertEquals(PointsScore.CORRECT, hand.score(sample.response()), sample.response());
        }
        assertEquals(samples, diverse.of().samples(), "equal seeds, equal samples");
        assertNotEquals(samples, new GeneralPoints(400, 4, 24, GeneralPoints.DIVERSE_FACES, GeneralPoints.Hands.ANY,
                AnswerForm.COT, 2, 4).of().samples());
    }

    @Test
    void whatMadeTheRowsIsKnownByItsSettings() {
        DataSource some = boards(10, LabelSet.WORDS, AnswerForm.ANSWER).of();
        assertEquals("sokoban(rows = 10, seed = 7)", some.description());
        assertEquals(some.fingerprint(), boards(10, LabelSet.WORDS, AnswerForm.ANSWER).of().fingerprint());
        assertNotEquals(some.fingerprint(), boards(10, LabelSet.CARDINAL, AnswerForm.ANSWER).of().fingerprint());
        assertThrows(FinetuneException.class, () -> boards(10, LabelSet.WORDS, AnswerForm.ANSWER).of(some),
                "a generator takes no source");
        assertThrows(FinetuneException.class, () -> new Diversified(List.of("Up"), 1, 1).of());
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        assertThrows(FinetuneException.class, () -> new Sokoban(1, 4, 4, 4, LabelSet.WORDS, AnswerForm.ANSWER, 1, 0));
        assertThrows(FinetuneException.class, () -> GeneralPoints.METHOD.create(new Settings(Map.of("faces",
                List.of("10,10")))));
        assertThrows(FinetuneException.class, () -> GeneralPoints.METHOD.create(new Settings(Map.of("faces",
                List.of("10,10,20")))));
        for (List<String> wrong : List.of(List.of("a", "b", "c"), List.of("a", "b", "c", "A "),
                List.of("a", "b", "c", " "),
                List.of("up", "upper", "x", "y"))) {
            assertThrows(FinetuneException.class, () -> MoveLabels.of(wrong), wrong.toString());
        }
    }

    @Test
    void diversifyRenamesPromptReasoningAndAnswerTogether() {
        List<Sample> own = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            own.add(new Sample("own.jsonl:" + i, List.of(Message.user("Go Left or Leftwards, or Up?"),
                    Message.assistant("Left, Up").withReasoning("Left it is")),
                    List.of(new Sample.Candidate("Up", "x")), "Left", Map.of()));
        }
        own.add(new Sample("own.jsonl:41", List.of(Message.user("left?"), Message.assistant("no")), List.of(), null,
                Map.of()));
        List<Sample> changed = new Diversified(List.of("Left", "Up"), 1, 9).of(DataSource.of("own", own)).samples();
        assertEquals(own.get(40), changed.get(40), "no label, no change");
        Set<String> pairs = new HashSet<>();
        for (Sample sample : changed.subList(0, 40)) {
            String left = Objects.requireNonNull(sample.fields().get("label.Left"));
            String up = Objects.requireNonNull(sample.fields().get("label.Up"));
            assertNotEquals(left, up);
            pairs.add(left + " " + up);
            assertEquals("Go " + left + " or Leftwards, or " + up + "?", sample.prompt().get(0).text());
            assertEquals(left + ", " + up, sample.response());
            assertEquals(left + " it is", sample.messages().get(1).reasoning());
            assertEquals(left, sample.answer());
            assertEquals(up, sample.candidates().get(0).text());
            assertEquals(List.of(sample.id()), sample.provenance().origins());
            assertNotNull(sample.id());
        }
        assertTrue(pairs.size() > 38, pairs.toString());
    }
}
