package org.finetune4j.methods.data;

import java.util.HashSet;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * One of two sets of one pool, for supervised fine-tuning and for reinforcement learning after it, of which the second
 * shares an exact part of its prompts with the first.
 *
 * <p>SFT-GRPO Data Overlap as a Post-Training Hyperparameter for Autoformalization, arXiv 2604.13515. Equal prompts of
 * the pool count once, the first one of them; the pool needs {@code sft + rl - round(overlap rl)} different ones. The
 * set for SFT is the same for every overlap, and of a smaller overlap the shared prompts are among those of a larger
 * one. Rows keep the order of the pool and are tagged {@code sft}, {@code rl}, or with both.
 *
 * @param sft     prompts for SFT, at least 1; default 20 000
 * @param rl      prompts for reinforcement learning, at least 1; default 16 000
 * @param overlap share of the latter that SFT has seen, in [0, 1]; default 0
 * @param seed    decides which prompts go where
 * @param side    which of the two sets this is
 */
public record OverlapSplit(int sft, int rl, double overlap, long seed, Side side) implements DataTransform {
    /** The split of the overlap study, 2026. */
    public static final Method<OverlapSplit> METHOD = new Method<>("overlapSplit", Method.Kind.DATA,
            "SFT-GRPO Data Overlap as a Post-Training Hyperparameter for Autoformalization", "arXiv 2604.13515",
            settings -> new OverlapSplit(settings.whole("sft", 20_000), settings.whole("rl", 16_000),
                    settings.number("overlap", 0), settings.whole("seed", 42L), settings.choice("side", Side.SFT)));

    /** The sets. */
    public enum Side {
        /** For supervised fine-tuning. */
        SFT,
        /** For reinforcement learning. */
        RL
    }

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public OverlapSplit {
        Settings.require(sft >= 1, "overlapSplit", "sft", sft, "at least 1");
        Settings.require(rl >= 1, "overlapSplit", "rl", rl, "at least 1");
        Settings.require(overlap >= 0 && overlap <= 1, "overlapSplit", "overlap", overlap, "at least 0 and at most 1");
        if (Math.round(overlap * rl) > sft) {
            throw new FinetuneException("overlapSplit: " + Math.round(overlap * rl) + " of the " + rl
                    + " prompts of rl are to "
                    + "be seen in SFT (overlap " + overlap + "), but sft has only " + sft
                    + ". Raise sft, or lower rl or the "
                    + "overlap.");
        }
    }

    /** Prompts that both sets have. */
    public int shared() {
        return (int) Math.round(overlap * rl);
    }

    /** Different prompts that the pool needs. */
    public long needed() {
        return (long) sft + rl - shared();
    }

    @Override
    public Method<OverlapSplit> method() {
        return METHOD;
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        PromptPool pool = PromptPool.read(source, seed);
        if (pool.size() < needed()) {
            throw new FinetuneException("overlapSplit: " + source.description() + " has " + pool.size() + " different "
                    + "prompts, but " + needed() + " are needed (" + sft + " + " + rl + " - " + shared()
                    + " shared). Give more data, smaller sets or a larger overlap.");
        }
        Set<Integer> inSft = pool.rows(0, sft);
        Set<Integer> inRl = new HashSet<>(pool.rows(0, shared()));
        inRl.addAll(pool.rows(sft, sft + rl - shared()));
        if (side == Side.RL) {
            report.note("overlapSplit", shared() + " of the " + rl
                    + " prompts of the set for reinforcement learning are "
                    + "in the set for SFT too");
        }
        return PromptPool.open(source, report, side == Side.SFT ? inSft : inRl, (row, index) ->
                tagged(row, index, inSft, inRl));
    }

    private static Row tagged(Row row, int index, Set<Integer> inSft, Set<Integer> inRl) {
        Row tagged = inSft.contains(index) ? row.tagged("sft") : row;
        return inRl.contains(index) ? tagged.tagged("rl") : tagged;
    }
}
