package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.ContinualLearning;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code rif-rft}. */
class RifRftTest {
    private static final RolloutRule ANY = RolloutRule.ANY_SUCCESS;
    private static final RolloutRule VARIED = RolloutRule.NON_ZERO_VARIANCE;

    private static double[] rewards(int right) {
        return IntStream.range(0, 8).mapToDouble(i -> i < right ? 1 : 0).toArray();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    @Test
    void verdictsOnAccuracies() {
        assertTrue(!ANY.keeps(rewards(0), 0) && !VARIED.keeps(rewards(0), 0));
        assertTrue(ANY.keeps(rewards(8), 0) && !VARIED.keeps(rewards(8), 0));
        assertTrue(ANY.keeps(rewards(1), 0) && VARIED.keeps(rewards(1), 0));
        double mean = mean(rewards(1));
        assertEquals(.125, mean);
        assertEquals(.109375, mean(Arrays.stream(rewards(1)).map(r -> (r - mean) * (r - mean)).toArray()));
        // Every answer is wrong but in the right form: the whole reward is 0.1, the accuracy 0.
        SplitReward split = new SplitReward(.9);
        assertEquals(.1, split.total(0, 1), 1e-12);
        assertTrue(ANY.keeps(IntStream.range(0, 8).mapToDouble(i -> split.total(0, 1)).toArray(), 0),
                "on the whole reward a hopeless prompt would be kept");
        assertTrue(!ANY.keeps(new double[8], 0));
        assertTrue(!ANY.keeps(new double[] {.4, .2}, .5) && ANY.keeps(new double[] {.4, .6}, .5), "graded accuracies");
    }

    @Test
    void keepProbabilitiesOfTheCard() {
        double[][] expected = {{.05, .336580, .336580}, {.5, .996094, .992188}, {.95, 1.000000, .336580}};
        for (double[] row : expected) {
            assertEquals(row[1], ANY.keepProbability(row[0], 8), 1e-6);
            assertEquals(row[2], VARIED.keepProbability(row[0], 8), 1e-6);
            Random random = new Random(3);
            int[] kept = new int[2];
            int trials = 40_000;
            for (int i = 0; i < trials; i++) {
                double[] drawn = IntStream.range(0, 8).mapToDouble(j -> random.nextDouble() < row[0] ? 1 : 0).toArray();
                kept[0] += ANY.keeps(drawn, 0) ? 1 : 0;
                kept[1] += VARIED.keeps(drawn, 0) ? 1 : 0;
            }
            assertEquals(row[1], (double) kept[0] / trials, .01);
            assertEquals(row[2], (double) kept[1] / trials, .01);
        }
    }

    @Test
    void varianceScalesTheRiskOfReinforcement() {
        double[] uniform = {.25, .25, .25, .25};
        assertEquals(.1875, FisherRisk.supervised(uniform, 0), 1e-12);
        assertEquals(.03515625, FisherRisk.reinforced(uniform, 0), 1e-12);
        assertEquals(FisherRisk.variance(uniform, 0) * FisherRisk.supervised(uniform, 0),
                FisherRisk.reinforced(uniform, 0),
                1e-12);
        double[] skewed = {.7, .1, .1, .1};
        assertEquals(.038808, FisherRisk.reinforced(skewed, 0), 1e-6);
        assertEquals(.007056, FisherRisk.variance(skewed, 0) * FisherRisk.supervised(skewed, 0), 1e-6);
    }

    /** The table of the card, in which a task has no score before it is learned. */
    private static ContinualLearning table(double secondOnFirst) {
        return new ContinualLearning(List.of(List.of(80., 0., 0.), List.of(secondOnFirst, 60., 0.), List.of(70., 58.,
                50.)),
                List.of(0., 0., 0.));
    }

    @Test
    void metricsOfTheCard() {
        assertEquals(59.3333, table(74).accuracy(), 5e-5);
        assertEquals(-6, table(74).backwardTransfer(), 1e-12);
        assertEquals(-6, table(82).backwardTransfer(), 1e-12);
        assertEquals(7, table(82).forgetting(), 1e-12, "from the peak, with the other sign");
    }

    @Test
    void rewardsOfTwoParts() {
        SplitReward split = new SplitReward(.9);
        assertEquals(1.0, split.total(1, 1), 1e-12);
        assertEquals(.1, split.total(0, 1), 1e-12);
        assertEquals(.9, split.total(1, 0), 1e-12);
        assertThrows(FinetuneException.class, () -> new SplitReward(0));
    }

    private static RifRft filter(RolloutRule rule, int rollouts) {
        return new RifRft(new ExactAnswer(), rollouts, rule, 0, 1, 1, 16, 7);
    }

    private static List<Sample> samples() {
        return IntStream.range(0, 5).mapToObj(i -> new Sample("s:" + i, List.of(Message.user("what is " + i)),
                List.of(),
                String.valueOf(i), Map.of())).toList();
    }

    /** Solves s:0 never, s:4 always, and the others by the draw of the seed. */
    private static String answer(TextRequest request) {
        String right = request.id().substring(2);
        return switch (right) {
            case "0" -> "99";
            case "4" -> "it is 4";
            default -> request.seed() % 2 == 0 ? "so " + right : "98";
        };
    }

    @Test
    void keepsWhatCanBeLearnedByThePolicysOwnAnswers() {
        FakeContext context = FakeContext.answering(RifRftTest::answer);
        Selection any = filter(ANY, 8).select(samples(), context);
        assertEquals(40, context.count("answer each prompt several times"));
        assertEquals(40, context.asked.get("answer each prompt several times").stream().map(TextRequest::seed)
                .distinct()
                .count(), "every answer has a draw of its own");
        assertEquals(List.of("s:1", "s:2", "s:3", "s:4"), any.samples().stream().map(Sample::id).toList());
        assertEquals(samples().subList(1, 5), any.samples(), "what is kept is as it was");
        assertEquals("80.0 % (4)", any.report().get("kept"));
        assertEquals("1", any.report().get("solved 8 of 8 times"));
        assertEquals(List.of("s:1", "s:2", "s:3"), filter(VARIED, 8).select(samples(),
                FakeContext.answering(RifRftTest::answer)).samples().stream().map(Sample::id).toList());
    }

    @Test
    void theNextTaskIsFilteredByThePolicyThatItStartsFrom() {
        Function<Integer, List<String>> kept = solved -> filter(VARIED, 16).select(samples(),
                FakeContext.answering(request ->
                request.id().equals("s:" + solved) && request.seed() % 2 == 0 ? "it is " + solved : "-1")).samples()
                        .stream()
                .map(Sample::id).toList();
        assertNotEquals(kept.apply(1), kept.apply(2));
    }

    @Test
    void refusals() {
        assertEquals("rifRft: nothing learnable is left of 5 prompts: 5 are never solved in 8 answers and 0 always. "
                + "Give easier "
                + "or harder prompts, or more rollouts.", assertThrows(FinetuneException.class, () -> filter(ANY, 8)
                .select(
                        samples(), FakeContext.answering(request -> "77"))).getMessage());
        assertEquals(1, filter(ANY, 1).rollouts());
        assertThrows(FinetuneException.class, () -> filter(VARIED, 1));
        assertThrows(FinetuneException.class, () -> filter(ANY, 0));
        assertTrue(assertThrows(FinetuneException.class, () -> new RifRft(new ExactAnswer(), 8, ANY, 0, 0, 1, 16, 0))
                .getMessage().contains("above 0"));
        assertThrows(FinetuneException.class, () -> new RifRft(new ExactAnswer(), 8, ANY, 1, 1, 1, 16, 0));
        assertEquals(List.of("s:9 has neither an answer nor a response to judge replies by. Name the field that holds "
                + "it by "
                + "fields(answer = ...), or leave the sample out."), filter(ANY, 8).problems(List.of(new Sample("s:9",
                        List.of(Message.user("?")), List.of(), null, Map.of()))));
    }
}
