package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Provenance;
import org.finetune4j.data.Row;
import org.finetune4j.data.Sample;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** The numbered tests of the card budget-allocation that its split can pass. */
class BudgetSplitTest {
    private static BudgetSplit split(double budget, double share, double costSft, double costPair,
            BudgetSplit.Side side) {
        return new BudgetSplit(budget, share, costSft, costPair, true, 3, side);
    }

    private static List<Integer> bought(double share, double costSft, double costPair) {
        BudgetSplit split = split(1000, share, costSft, costPair, BudgetSplit.Side.SFT);
        return List.of(split.demonstrations(), split.pairs());
    }

    @Test
    void test1TheBudgetBuysWhatTheCardSays() {
        assertEquals(List.of(0, 1000), bought(0, 1, 1));
        assertEquals(List.of(10, 990), bought(0.01, 1, 1));
        assertEquals(List.of(100, 900), bought(0.1, 1, 1));
        assertEquals(List.of(250, 750), bought(0.25, 1, 1));
        assertEquals(List.of(500, 500), bought(0.5, 1, 1));
        assertEquals(List.of(750, 250), bought(0.75, 1, 1));
        assertEquals(List.of(1000, 0), bought(1, 1, 1));
        assertEquals(List.of(40, 900), bought(0.1, 2.5, 1));
        assertEquals(List.of(200, 500), bought(0.5, 2.5, 1));
        assertEquals(List.of(400, 0), bought(1, 2.5, 1));
        assertEquals(List.of(10, 247), bought(0.01, 1, 4));
        assertEquals(List.of(250, 187), bought(0.25, 1, 4));
        assertEquals(List.of(750, 62), bought(0.75, 1, 4));
    }

    private static DataSource demonstrations(int count) {
        return DataSource.of("demonstrations", IntStream.range(0, count).mapToObj(i -> new Sample("d:" + i,
                List.of(Message.user("task " + i), Message.assistant("y")), List.of(), null, Map.of())).toList());
    }

    private static DataSource pairs(int from, int to) {
        return DataSource.of("pairs", IntStream.range(from, to).mapToObj(i -> new PreferencePair("p:" + i,
                Conversation.of(Message.user("Task  " + i)), List.of(Message.assistant("good")),
                List.of(Message.assistant("bad")), null, Map.of(), new Provenance("p", List.of()))).toList());
    }

    private static DataSource made(BudgetSplit split, DataSource demonstrations, DataSource pairs) {
        return split.of(demonstrations, pairs);
    }

    private static Set<String> ids(DataSource source) {
        return new HashSet<>(source.rows().stream().map(Row::id).toList());
    }

    @Test
    void test2NothingIsOverspentBudgetsAreNestedAndPromptsDisjoint() {
        for (int i = 0; i < 500; i++) {
            Draws draws = new Draws(11, "budgets", i);
            double costSft = 0.1 + 5 * draws.real();
            double costPair = 0.1 + 5 * draws.real();
            BudgetSplit split = split(1 + 1000 * draws.real(), draws.real(), costSft, costPair, BudgetSplit.Side.SFT);
            assertTrue(split.demonstrations() * costSft + split.pairs() * costPair <= split.budget() + 1e-6,
                    split.toString());
        }
        DataSource demonstrations = demonstrations(1200);
        DataSource pairs = pairs(0, 1200);
        for (double share : new double[] {0.1, 0.5, 0.9}) {
            Set<String> seenDemonstrations = new HashSet<>();
            Set<String> seenPairs = new HashSet<>();
            for (double budget : new double[] {100, 500, 1000}) {
                DataSource first = made(split(budget, share, 1, 1, BudgetSplit.Side.SFT), demonstrations, pairs);
                DataSource second = made(split(budget, share, 1, 1, BudgetSplit.Side.PAIRS), demonstrations, pairs);
                assertTrue(ids(first).containsAll(seenDemonstrations) && ids(second).containsAll(seenPairs));
                seenDemonstrations = ids(first);
                seenPairs = ids(second);
                assertEquals(budget, seenDemonstrations.size() + seenPairs.size());
                assertEquals(0, Overlap.between(first, second).shared());
                assertEquals(List.of("sft"), first.rows().get(0).provenance().tags());
            }
        }
    }

    @Test
    void pairsOfPromptsThatDemonstrationsHaveAreOnlyTakenWhereAllowed() {
        BudgetSplit all = new BudgetSplit(100, 0.5, 1, 1, false, 3, BudgetSplit.Side.PAIRS);
        assertEquals(50, all.of(demonstrations(50), pairs(0, 50)).rows().size());
        String message = assertThrows(FinetuneException.class, () -> split(100, 0.5, 1, 1, BudgetSplit.Side.PAIRS)
                .of(demonstrations(50), pairs(0, 60)).rows()).getMessage();
        assertTrue(message.contains("10 different prompts that no demonstration has")
                && message.contains("50 are to be bought"),
                message);
        assertEquals(50, split(100, 0.5, 1, 1, BudgetSplit.Side.PAIRS).of(demonstrations(50), pairs(50, 100)).rows()
                .size());
    }

    @Test
    void whatCannotBeBoughtIsRefused() {
        assertThrows(FinetuneException.class, () -> split(100, 1, 1, 1, BudgetSplit.Side.PAIRS)
                .of(demonstrations(200), pairs(0, 200)).rows(), "nothing is left for pairs");
        assertThrows(FinetuneException.class, () -> split(100, 0, 1, 1, BudgetSplit.Side.SFT)
                .of(demonstrations(200), pairs(0, 200)).rows(), "no demonstration is bought");
        String message = assertThrows(FinetuneException.class, () -> split(100, 0.5, 1, 1, BudgetSplit.Side.SFT)
                .of(demonstrations(20), pairs(0, 200)).rows()).getMessage();
        assertTrue(message.contains("20 different prompts, but 50"), message);
        assertThrows(FinetuneException.class, () -> split(100, 0.5, 1, 1, BudgetSplit.Side.PAIRS)
                .of(demonstrations(100), demonstrations(200)).rows(), "demonstrations are no pairs");
        assertThrows(FinetuneException.class, () -> split(100, 1.5, 1, 1, BudgetSplit.Side.SFT));
        assertThrows(FinetuneException.class, () -> split(100, 0.5, 0, 1, BudgetSplit.Side.SFT));
    }
}
