package org.finetune4j.methods.data;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * What a budget for annotation buys: demonstrations for supervised fine-tuning with one share of it, and preference
 * pairs with all that is left.
 *
 * <p>Balancing the Budget: Understanding Trade-offs Between Supervised and Preference-Based Finetuning, arXiv
 * 2502.11284. The budget B buys {@code floor(sftShare B / costSft)} demonstrations, and the rest of it as many pairs as
 * it covers. Equal prompts of a pool count once. Which rows are bought, the seed and their prompts alone decide, so
 * that a larger budget with the same share buys all that a smaller one does; with {@code disjoint}, demonstrations are
 * taken from one end of that order and pairs from the other, and no prompt is bought twice. Rows keep the order of
 * their pool.
 *
 * @param budget   what may be spent, finite and above 0; default 5000
 * @param sftShare share that is meant for demonstrations, in [0, 1]; default 0.1
 * @param costSft  price of a demonstration, finite and above 0; default 1
 * @param costPair price of a pair, finite and above 0; default 1
 * @param disjoint whether no prompt has both; default true
 * @param seed     decides which rows are bought
 * @param side     which of the two this is
 */
public record BudgetSplit(double budget, double sftShare, double costSft, double costPair, boolean disjoint, long seed,
                          Side side) implements DataMethod {
    /** The split of the budget study, 2025. */
    public static final Method<BudgetSplit> METHOD = new Method<>("budgetSplit", Method.Kind.DATA,
            "Balancing the Budget: Understanding Trade-offs Between Supervised and Preference-Based Finetuning",
            "arXiv 2502.11284",
            settings -> new BudgetSplit(settings.number("budget", 5000), settings.number("sftShare", 0.1),
                    settings.number("costSft", 1), settings.number("costPair", 1), settings.flag("disjoint", true),
                    settings.whole("seed", 42L), settings.choice("side", Side.SFT)));

    /** What is bought. */
    public enum Side {
        /** Demonstrations. */
        SFT,
        /** Preference pairs. */
        PAIRS
    }

    /** A quotient such as 99.99999999999999 must not lose what it stands for. */
    private static final double ROUNDING = 1e-9;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public BudgetSplit {
        positive("budget", budget);
        positive("costSft", costSft);
        positive("costPair", costPair);
        Settings.require(sftShare >= 0 && sftShare <= 1, "budgetSplit", "sftShare", sftShare,
                "at least 0 and at most 1");
    }

    private static void positive(String name, double value) {
        Settings.require(value > 0 && value <= Integer.MAX_VALUE, "budgetSplit", name, value,
                "above 0 and at most " + Integer.MAX_VALUE);
    }

    /** How many demonstrations are bought. */
    public int demonstrations() {
        return (int) Math.floor(sftShare * budget / costSft + ROUNDING);
    }

    /** How many pairs are bought. */
    public int pairs() {
        return (int) Math.floor((budget - demonstrations() * costSft) / costPair + ROUNDING);
    }

    @Override
    public Method<BudgetSplit> method() {
        return METHOD;
    }

    @Override
    public List<String> needs() {
        return List.of("demonstrations", "pairs");
    }

    @Override
    public RowStream open(List<DataSource> sources, DataReport report) {
        DataSource demonstrations = sources.get(0);
        DataSource own = side == Side.SFT ? demonstrations : sources.get(1);
        int wanted = side == Side.SFT ? demonstrations() : pairs();
        if (wanted == 0) {
            throw new FinetuneException("budgetSplit: of a budget of " + budget + ", a share of " + sftShare
                    + " for demonstrations leaves none for " + (side == Side.SFT ? "a demonstration" : "a pair")
                    + ". Leave this stage out, or choose another share.");
        }
        PromptPool pool = side == Side.SFT ? affordable(demonstrations, wanted) : pairs(demonstrations, own, wanted);
        report.note("budgetSplit " + side, "the budget of " + budget + " buys " + demonstrations()
                + " demonstrations and "
                + pairs() + " pairs");
        return PromptPool.open(own, report, pool.rows(0, wanted), (row, index) -> checked(row));
    }

    private PromptPool affordable(DataSource source, int wanted) {
        PromptPool pool = PromptPool.read(source, seed);
        require(pool, wanted, source, "");
        return pool;
    }

    private PromptPool pairs(DataSource demonstrations, DataSource pairs, int wanted) {
        List<Long> taken = disjoint && demonstrations() > 0
                ? affordable(demonstrations, demonstrations()).prompts(demonstrations()) : List.of();
        PromptPool pool = PromptPool.read(pairs, seed).reversedWithout(taken);
        require(pool, wanted, pairs, taken.isEmpty() ? "" : " that no demonstration has");
        return pool;
    }

    private static void require(PromptPool pool, int wanted, DataSource source, String kind) {
        if (pool.size() < wanted) {
            throw new FinetuneException("budgetSplit: " + source.description() + " has " + pool.size()
                    + " different prompts" + kind + ", but " + wanted
                    + " are to be bought. Give more data or a smaller "
                    + "budget" + (kind.isEmpty() ? "." : ", or set disjoint to false."));
        }
    }

    private Row checked(Row row) {
        Class<? extends Row> kind = side == Side.SFT ? Sample.class : PreferencePair.class;
        if (!kind.isInstance(row)) {
            throw new FinetuneException("budgetSplit: " + row.id() + " is of " + Row.nameOf(row.getClass()) + ", but "
                    + Row.nameOf(kind) + " are needed there.");
        }
        return row.tagged(side == Side.SFT ? "sft" : "pairs");
    }
}
