package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.data.formal.CanonicalForm;
import org.finetune4j.methods.data.formal.FormalCompiler;
import org.finetune4j.methods.data.formal.FormalScore;
import org.finetune4j.methods.data.formal.Formula;
import org.finetune4j.methods.data.formal.Operator;
import org.junit.jupiter.api.Test;

/** The synthetic task of the card sft-grpo-overlap: its compiler, judge and scores. */
class FormalStatementsTest {
    private static Formula statement(String text) {
        FormalCompiler.Compiled compiled = FormalCompiler.statement(text);
        return Objects.requireNonNull(compiled.statement(), compiled.problem());
    }

    private static String answer(String statement) {
        return "Here:\n```lean\ntheorem " + statement + " := sorry\n```\n";
    }

    @Test
    void everySampleCompilesMeansWhatItSaysAndIsNeverEmpty() {
        List<Sample> samples = new FormalStatements(400, 3, 4, 0.4, 5).of().samples();
        assertEquals("State formally: ", samples.get(0).prompt().get(0).text().substring(0, 16));
        for (Sample sample : samples) {
            Formula gold = statement(Objects.requireNonNull(sample.answer()));
            assertEquals(1, FormalScore.reward(Objects.requireNonNull(sample.response()), gold, false),
                    sample.response());
            assertFalse(CanonicalForm.isEmpty(gold), sample.answer());
            assertEquals(0, FormalScore.reward(answer("(= 1 1)"), gold, false));
            assertEquals(1, FormalScore.reward(answer("(= 1 1)"), gold, true));
        }
        assertEquals(samples, new FormalStatements(400, 3, 4, 0.4, 5).of().samples());
    }

    @Test
    void englishSaysTheFormula() {
        assertEquals("both the sum of a and the product of 2 and b is less than 7 and c equals 1",
                org.finetune4j.methods.data.formal.StatementSource.words(
                        statement("(and (< (+ a (* 2 b)) 7) (= c 1))")));
    }

    @Test
    void whatDoesNotKeepTheContractDoesNotCompile() {
        assertTrue(FormalCompiler.compile(answer("(< (+ a (* 2 b)) 7)")).compiles());
        Map<String, String> wrong = Map.ofEntries(Map.entry("theorem (< a 7) := sorry", "no block"),
                Map.entry(answer("(< a 7)") + answer("(< a 7)"), "several blocks"),
                Map.entry("```\n(< a 7)\n```", "not one theorem"),
                Map.entry("```\ntheorem (< a 7) := by simp\n```", "not one theorem"),
                Map.entry("```\ntheorem (< a 7) := sorry\ntheorem (< a 7) := sorry\n```", "stands behind"),
                Map.entry(answer("(< a 7"), "not closed"), Map.entry(answer("(< a)"), "has 1 parts, but takes 2"),
                Map.entry(answer("(< a b c)"), "has 3 parts"), Map.entry(answer("(+ a 7)"), "is a number"),
                Map.entry(answer("(and a (< a 1))"), "another type"),
                        Map.entry(answer("(+ (< a 1) 2)"), "another type"),
                Map.entry(answer("(<< a 7)"), "'<<' is no operator"), Map.entry(answer("(< apple 7)"), "'apple'"),
                Map.entry(answer("(< a 7) b"), "behind the statement"),
                        Map.entry(answer("(= 12345678901 a)"), "no number"),
                Map.entry(answer("(not ".repeat(100_000)), "too deeply"));
        wrong.forEach((answer, problem) -> {
            FormalCompiler.Compiled compiled = FormalCompiler.compile(answer);
            assertFalse(compiled.compiles(), answer.substring(0, Math.min(60, answer.length())));
            assertTrue(compiled.problem().contains(problem), compiled.problem());
        });
    }

    @Test
    void statementsThatMeanTheSameHaveOneNormalForm() {
        String[][] alike = {{"(< (+ a (* 2 b)) 7)", "(> 7 (+ b (+ a b)))"},
                {"(= (* a (+ b 1)) 0)", "(= 0 (+ (* b a) a))"},
                {"(<= (* 2 a) 4)", "(not (> a 2))"}, {"(and (< a 1) (< b 1))", "(not (or (>= b 1) (>= a 1)))"},
                {"(= a b)", "(= (- b a) 0)"}, {"(or (< a 1) (= 1 1))", "(= 0 0)"}, {"(and (< a 1) (= 1 1))", "(< a 1)"},
                {"(and (< a 1) (and (< b 1) (< a 1)))", "(and (< b 1) (< a 1))"}, {"(> 0 0)", "(not (<= 1 2))"}};
        for (String[] pair : alike) {
            assertTrue(CanonicalForm.isEquivalent(statement(pair[0]), statement(pair[1])), pair[0] + " and " + pair[1]);
        }
        String[][] different = {{"(< a 1)", "(<= a 1)"}, {"(< a b)", "(< b a)"}, {"(= a 1)", "(not (= a 1))"},
                {"(and (< a 1) (< b 1))", "(or (< a 1) (< b 1))"}, {"(= a 1)", "(= 1 1)"},
                {"(= (* a a) 1)", "(= a 1)"}};
        for (String[] pair : different) {
            assertFalse(CanonicalForm.isEquivalent(statement(pair[0]), statement(pair[1])), pair[0] + " and "
                    + pair[1]);
        }
    }

    /** Evaluates by itself, so that the normal form is held to what statements mean. */
    private static double value(Formula formula, Map<String, Integer> at) {
        if (formula instanceof Formula.Number number) {
            return number.value();
        }
        if (formula instanceof Formula.Variable variable) {
            return at.get(variable.name());
        }
        Formula.Applied applied = (Formula.Applied) formula;
        double x = value(applied.parts().get(0), at);
        double y = applied.operator() == Operator.NOT ? 0 : value(applied.parts().get(1), at);
        return switch (applied.operator()) {
            case PLUS -> x + y;
            case MINUS -> x - y;
            case TIMES -> x * y;
            case LESS -> x < y ? 1 : 0;
            case AT_MOST -> x <= y ? 1 : 0;
            case EQUAL -> x == y ? 1 : 0;
            case GREATER -> x > y ? 1 : 0;
            case AT_LEAST -> x >= y ? 1 : 0;
            case AND -> Math.min(x, y);
            case OR -> Math.max(x, y);
            case NOT -> 1 - x;
        };
    }

    @Test
    void equivalentStatementsAgreeOnRandomPoints() {
        List<Formula> statements = new FormalStatements(250, 2, 2, 0.5, 8).of().samples().stream()
                .map(sample -> statement(Objects.requireNonNull(sample.answer()))).toList();
        Random random = new Random(3);
        int equivalent = 0;
        for (Formula first : statements) {
            for (Formula second : statements) {
                if (first != second && CanonicalForm.isEquivalent(first, second)) {
                    equivalent++;
                    for (int point = 0; point < 200; point++) {
                        Map<String, Integer> at = Map.of("a", random.nextInt(21) - 10, "b", random.nextInt(21) - 10);
                        assertEquals(value(first, at), value(second, at), first + " and " + second + " at " + at);
                    }
                }
            }
        }
        assertTrue(equivalent > 10, equivalent + " pairs");
    }

    @Test
    void test5NothingMeantDoesNotCompileAndTheJudgeSeesOnlyWhatCompiles() {
        Formula gold = statement("(< a 7)");
        AtomicInteger asked = new AtomicInteger();
        FormalScore score = FormalScore.of(List.of(answer("(< a 7)"), answer("(= 1 1)"), answer("(< a"), "no",
                answer("(> 7 a)")),
                gold, (one, two) -> {
                    asked.incrementAndGet();
                    return CanonicalForm.isEquivalent(one, two);
                });
        assertEquals(new FormalScore(5, 3, 2), score);
        assertEquals(3, asked.get());
        assertEquals(0.2, score.gap(), 1e-12);
        assertEquals(new FormalScore(1, 1, 0), FormalScore.of(List.of(answer("(= 1 1)")), gold,
                CanonicalForm::isEquivalent));
        assertThrows(FinetuneException.class, () -> FormalScore.of(List.of(), gold, CanonicalForm::isEquivalent));
        assertNotNull(gold.toString());
    }

    @Test
    void test6GroupsOfEqualRewardsAreCounted() {
        assertEquals(0.5, FormalScore.withoutVariance(List.of(List.of(1.0, 0.0, 0.0, 1.0), List.of(1.0, 1.0))));
        assertThrows(FinetuneException.class, () -> FormalScore.withoutVariance(List.of()));
    }
}
