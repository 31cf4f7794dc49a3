package org.finetune4j.data;

/**
 * Where a run stands in its data.
 *
 * @param epoch passes over the data that are complete, from 0
 * @param index samples of the current pass that were used, in the order of that pass
 */
public record DataPosition(int epoch, int index) {
    /** The beginning of the data. */
    public static final DataPosition START = new DataPosition(0, 0);

    /** Refuses negative numbers. */
    public DataPosition {
        if (epoch < 0 || index < 0) {
            throw new IllegalArgumentException("epoch " + epoch + ", index " + index);
        }
    }
}
