package org.finetune4j.kernel.onednn;

/**
 * A packed batch cut into blocks of up to {@value #ROWS} tokens of one sequence, by the lengths of the sequences alone.
 *
 * <p>In scratch memory a block's rows are filled up with zero rows to one of a few sizes, because oneDNN compiles code
 * for every new one; blocks follow one another there, so that a sequence's rows are contiguous but for its end.
 */
final class TokenBlocks {
    static final int ROWS = 64;
    private final int[] firstBlocks;
    private final int[] sequences;
    private final int[] tokens;
    private final int[] places;
    private final int[] rows;
    private final int[] starts;

    /** Cuts sequences that begin at {@code offsets}; the last number is the end of the last. */
    TokenBlocks(int[] offsets) {
        int count = 0;
        for (int s = 0; s + 1 < offsets.length; s++) {
            count += (offsets[s + 1] - offsets[s] + ROWS - 1) / ROWS;
        }
        firstBlocks = new int[offsets.length];
        sequences = new int[count];
        tokens = new int[count];
        places = new int[count];
        rows = new int[count];
        starts = new int[count + 1];
        int block = 0;
        for (int s = 0; s + 1 < offsets.length; s++) {
            firstBlocks[s] = block;
            for (int token = offsets[s]; token < offsets[s + 1]; token += ROWS) {
                sequences[block] = s;
                tokens[block] = token;
                places[block] = token - offsets[s];
                rows[block] = Math.min(ROWS, offsets[s + 1] - token);
                starts[block + 1] = starts[block] + filled(rows[block]);
                block++;
            }
        }
        firstBlocks[offsets.length - 1] = block;
    }

    /** The size to which {@code count} rows are filled up: 1, 2, 4, 8 or a multiple of 16. */
    static int filled(int count) {
        if (count <= 8) {
            return count <= 2 ? count : count <= 4 ? 4 : 8;
        }
        return (count + 15) / 16 * 16;
    }

    int count() {
        return sequences.length;
    }

    /** The first block of a sequence; that of the sequence after the last is {@link #count}. */
    int firstBlock(int sequence) {
        return firstBlocks[sequence];
    }

    int sequence(int block) {
        return sequences[block];
    }

    /** The block's first token in the batch. */
    int token(int block) {
        return tokens[block];
    }

    /** The block's first token in its sequence. */
    int place(int block) {
        return places[block];
    }

    /** Tokens of the block. */
    int rows(int block) {
        return rows[block];
    }

    /** Tokens and zero rows of the block. */
    int filledRows(int block) {
        return starts[block + 1] - starts[block];
    }

    /** The block's first row in scratch memory. */
    int start(int block) {
        return starts[block];
    }

    /** Rows of all blocks in scratch memory. */
    int allRows() {
        return starts[sequences.length];
    }
}
