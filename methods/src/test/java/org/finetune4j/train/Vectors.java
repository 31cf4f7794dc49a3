package org.finetune4j.train;

/** Comparison of vectors in tests. */
final class Vectors {
    private Vectors() {
    }

    /** The norm of the difference over the norm of {@code a}. */
    static double distance(float[] a, float[] b) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < a.length; i++) {
            difference += Math.pow(a[i] - b[i], 2);
            size += Math.pow(a[i], 2);
        }
        return Math.sqrt(difference / size);
    }
}
