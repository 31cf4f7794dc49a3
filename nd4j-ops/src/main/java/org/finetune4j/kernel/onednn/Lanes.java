package org.finetune4j.kernel.onednn;

/**
 * Tiles of numbers as floats on the heap, where Java's compiler vectorises loops over them.
 *
 * <p>BFLOAT16 numbers come two to a word, and splitting the words vectorises where spreading them does not; so such a tile
 * is in <em>lane order</em>: the numbers at even places, then those at odd places. A FLOAT tile keeps its order. Kernels
 * that treat all elements alike need not care; the others use {@link #lane}, or the slower natural order.
 */
final class Lanes {
    private static final int WORDS = 0;
    private static final int HALF = 1;

    private Lanes() {
    }

    /** Bytes per element. */
    static int width(boolean bfloat16) {
        return bfloat16 ? 2 : 4;
    }

    /** The lane of the element at place {@code index} of a tile of {@code count}. */
    static int lane(boolean bfloat16, int index, int count) {
        return bfloat16 ? (index >> 1) + (index & 1) * ((count + 1) >> 1) : index;
    }

    static void load(Worker worker, boolean bfloat16, long address, int count, float[] tile) {
        if (!bfloat16) {
            Memory.read(address, tile, 0, count);
            return;
        }
        int half = (count + 1) >> 1;
        int[] words = worker.ints(WORDS, half);
        int[] even = worker.ints(HALF, half);
        Memory.readBytes(address, words, 2 * count);
        split(words, even, half);
        Memory.bitsToFloats(even, 0, tile, 0, half);
        Memory.bitsToFloats(words, 0, tile, half, count - half);
    }

    static void store(Worker worker, boolean bfloat16, float[] tile, int count, long address) {
        if (!bfloat16) {
            Memory.write(tile, 0, address, count);
            return;
        }
        int half = (count + 1) >> 1;
        int[] even = worker.ints(WORDS, half);
        int[] odd = worker.ints(HALF, half);
        Memory.floatsToBits(tile, 0, even, 0, half);
        Memory.floatsToBits(tile, half, odd, 0, count - half);
        join(even, odd, half);
        Memory.writeBytes(even, address, 2 * count);
    }

    static void loadInOrder(Worker worker, boolean bfloat16, long address, int count, float[] tile) {
        if (!bfloat16) {
            Memory.read(address, tile, 0, count);
            return;
        }
        int[] words = worker.ints(WORDS, (count + 1) >> 1);
        Memory.readBytes(address, words, 2 * count);
        int pairs = count >> 1;
        for (int i = 0; i < pairs; i++) {
            int word = words[i];
            tile[2 * i] = Float.intBitsToFloat(word << 16);
            tile[2 * i + 1] = Float.intBitsToFloat(word & 0xffff0000);
        }
        if ((count & 1) != 0) {
            tile[count - 1] = Float.intBitsToFloat(words[pairs] << 16);
        }
    }

    static void storeInOrder(Worker worker, boolean bfloat16, float[] tile, int count, long address) {
        if (!bfloat16) {
            Memory.write(tile, 0, address, count);
            return;
        }
        int[] words = worker.ints(WORDS, (count + 1) >> 1);
        int pairs = count >> 1;
        for (int i = 0; i < pairs; i++) {
            words[i] = (round(Float.floatToRawIntBits(tile[2 * i])) >>> 16)
                    | (round(Float.floatToRawIntBits(tile[2 * i + 1])) & 0xffff0000);
        }
        if ((count & 1) != 0) {
            words[pairs] = round(Float.floatToRawIntBits(tile[count - 1])) >>> 16;
        }
        Memory.writeBytes(words, address, 2 * count);
    }

    private static void split(int[] words, int[] even, int count) {
        for (int i = 0; i < count; i++) {
            even[i] = words[i] << 16;
        }
        for (int i = 0; i < count; i++) {
            words[i] = words[i] & 0xffff0000;
        }
    }

    private static void join(int[] even, int[] odd, int count) {
        for (int i = 0; i < count; i++) {
            even[i] = (round(even[i]) >>> 16) | (round(odd[i]) & 0xffff0000);
        }
    }

    /** The BFLOAT16 number nearest to a float. */
    static short toBfloat16(float value) {
        return (short) (round(Float.floatToRawIntBits(value)) >>> 16);
    }

    /** The bits of a float rounded to nearest even at 16 bits; a NaN stays one. Free of branches, to vectorise. */
    static int round(int bits) {
        int rounded = bits + 0x7fff + ((bits >>> 16) & 1);
        int nan = (0x7f800000 - (bits & 0x7fffffff)) >> 31;
        return (rounded & ~nan) | ((bits | 0x00400000) & nan);
    }
}
