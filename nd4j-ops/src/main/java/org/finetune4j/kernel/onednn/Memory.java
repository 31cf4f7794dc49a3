package org.finetune4j.kernel.onednn;

import java.lang.reflect.Field;

/**
 * Copies between native memory and Java arrays. Java's own buffers would cost an object per call and cannot hold more
 * than 2 GiB; this needs no flag of the virtual machine.
 */
final class Memory {
    private static final sun.misc.Unsafe UNSAFE = unsafe();
    private static final long INT_BASE = sun.misc.Unsafe.ARRAY_INT_BASE_OFFSET;
    private static final long FLOAT_BASE = sun.misc.Unsafe.ARRAY_FLOAT_BASE_OFFSET;

    private Memory() {
    }

    private static sun.misc.Unsafe unsafe() {
        try {
            Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return (sun.misc.Unsafe) field.get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Java runtime gives no access to native memory; use a JDK 17 or newer "
                    + "with the module jdk.unsupported", e);
        }
    }

    static void copy(long from, long to, long bytes) {
        UNSAFE.copyMemory(from, to, bytes);
    }

    static void zero(long address, long bytes) {
        UNSAFE.setMemory(address, bytes, (byte) 0);
    }

    static void read(long from, float[] to, int start, int count) {
        UNSAFE.copyMemory(null, from, to, FLOAT_BASE + 4L * start, 4L * count);
    }

    static void write(float[] from, int start, long to, int count) {
        UNSAFE.copyMemory(from, FLOAT_BASE + 4L * start, null, to, 4L * count);
    }

    static void read(long from, int[] to, int start, int count) {
        UNSAFE.copyMemory(null, from, to, INT_BASE + 4L * start, 4L * count);
    }

    static void readBytes(long from, int[] to, int bytes) {
        UNSAFE.copyMemory(null, from, to, INT_BASE, bytes);
    }

    static void writeBytes(int[] from, long to, int bytes) {
        UNSAFE.copyMemory(from, INT_BASE, null, to, bytes);
    }

    /** Takes the bits of integers as floats. */
    static void bitsToFloats(int[] from, int fromStart, float[] to, int toStart, int count) {
        UNSAFE.copyMemory(from, INT_BASE + 4L * fromStart, to, FLOAT_BASE + 4L * toStart, 4L * count);
    }

    /** Takes the bits of floats as integers. */
    static void floatsToBits(float[] from, int fromStart, int[] to, int toStart, int count) {
        UNSAFE.copyMemory(from, FLOAT_BASE + 4L * fromStart, to, INT_BASE + 4L * toStart, 4L * count);
    }

    static float getFloat(long address) {
        return UNSAFE.getFloat(address);
    }

    static void putFloat(long address, float value) {
        UNSAFE.putFloat(address, value);
    }

    static int getInt(long address) {
        return UNSAFE.getInt(address);
    }

    static void putInt(long address, int value) {
        UNSAFE.putInt(address, value);
    }

    static void putLong(long address, long value) {
        UNSAFE.putLong(address, value);
    }

    static long getLong(long address) {
        return UNSAFE.getLong(address);
    }

    static short getShort(long address) {
        return UNSAFE.getShort(address);
    }

    static void putShort(long address, short value) {
        UNSAFE.putShort(address, value);
    }
}
