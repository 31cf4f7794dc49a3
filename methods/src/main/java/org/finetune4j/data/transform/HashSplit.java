package org.finetune4j.data.transform;

import org.finetune4j.FinetuneException;
import org.finetune4j.data.Contents;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * One side of a split. On which side a row falls, the hash of what is asked first alone decides (of its turns up to and
 * with the user's first one, or of its text, where it has no prompt), after case, white space and compatible characters
 * are made alike: so that rows stay where they are when others are added or the order changes, and neither equal
 * prompts nor a conversation and its continuation stand on both sides.
 *
 * @param source  what is split
 * @param heldOut the share of the held-out side, in (0, 1)
 * @param salt    another number splits otherwise
 * @param side    which side this is
 */
public record HashSplit(DataSource source, double heldOut, long salt, Side side) implements Derived {
    /** Refuses shares out of range. */
    public HashSplit {
        if (!(heldOut > 0 && heldOut < 1)) {
            throw new FinetuneException("split(heldOut = " + heldOut + "), but the share must be between 0 and 1.");
        }
    }

    /** The sides of a split. */
    public enum Side {
        /** What is trained on. */
        TRAIN,
        /** What is held out. */
        HELD_OUT
    }

    @Override
    public RowStream open(DataReport report) {
        String words = side == Side.TRAIN ? "held out by the split" : "left to training by the split";
        return new DerivedRows(source.open(report)) {
            private boolean any;

            @Override
            public @Nullable Row next() {
                for (Row row = from.next(); row != null; row = from.next()) {
                    if (side(row) == side) {
                        any = true;
                        return row;
                    }
                    report.count(words);
                }
                if (!any) {
                    throw new FinetuneException("split(heldOut = " + heldOut + ") leaves no row of "
                            + source.description() + " for " + (side == Side.TRAIN ? "training" : "evaluation")
                            + ". Choose another share or salt.");
                }
                return null;
            }
        };
    }

    private Side side(Row row) {
        long bits = CounterRandom.bits(Contents.promptHash(row).high(), salt);
        return (bits >>> 11) * 0x1p-53 < heldOut ? Side.HELD_OUT : Side.TRAIN;
    }

    @Override
    public String description() {
        return source.description() + (side == Side.TRAIN ? " (training side)" : " (held-out side)");
    }

    @Override
    public String change() {
        return side + " of split " + heldOut + " " + salt;
    }
}
