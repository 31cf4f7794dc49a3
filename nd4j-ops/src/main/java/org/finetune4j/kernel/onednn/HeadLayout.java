package org.finetune4j.kernel.onednn;

/**
 * How the heads of some rows lie, of which each is cut into parts of contiguous numbers.
 *
 * @param type oneDNN's type of the numbers
 * @param row  numbers from one row to the next
 * @param head numbers from one head to the next
 * @param part numbers from one part of a head to the next
 */
record HeadLayout(int type, long row, long head, long part) {
    /** Heads whose numbers are contiguous, cut into parts of so many. */
    HeadLayout cut(int numbers) {
        return new HeadLayout(type, row, head, numbers);
    }

    /** Bytes of so many numbers. */
    long bytes(long numbers) {
        return numbers * Lanes.width(isBfloat16());
    }

    boolean isBfloat16() {
        return type == Primitive.type(true);
    }
}
