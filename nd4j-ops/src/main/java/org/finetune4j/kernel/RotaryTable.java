package org.finetune4j.kernel;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The frequencies of a rotary position embedding (RoFormer, arXiv 2104.09864) in Hugging Face's layout: with so many pairs,
 * number {@code i} of a head is paired with number {@code i + pairs}, and numbers from {@code 2 * pairs} on are left as they
 * are (the partial embedding of GPT-NeoX and Phi).
 *
 * <p>For position {@code p} and pair {@code i} the angle is {@code p * frequencies[i]}, and
 * {@code (a, b) -> magnitude * (a cos - b sin, b cos + a sin)}.
 *
 * <p>Frequencies may depend on the length of a pass, see {@link #byLength}. A table may be shared by threads.
 */
public final class RotaryTable {
    /** Sets of frequencies whose angles are kept: the two of longrope, and a few of those that change token by token. */
    private static final int KEPT = 4;
    private final int headDimension;
    private final int pairs;
    private final double magnitude;
    private final IntFunction<double[]> frequenciesFor;
    private final Deque<RotaryAngles> recent = new ArrayDeque<>();
    private @Nullable RotaryAngles last;
    private int lastLength;

    /**
     * The plain table with {@code frequencies[i] = theta^(-2 i / headDimension)}.
     *
     * @param headDimension even, at least 2
     * @param theta         the base, positive
     */
    public RotaryTable(int headDimension, double theta) {
        this(headDimension, plain(headDimension, theta), 1);
    }

    /**
     * A table of the same frequencies for every length.
     *
     * @param headDimension numbers per head, at least {@code 2 * frequencies.length}; those beyond are not turned
     * @param frequencies   the angle per position of each pair, in radians; at least one
     * @param magnitude     the factor on cosines and sines, positive: 1, or yarn's and longrope's attention factor
     */
    public RotaryTable(int headDimension, double[] frequencies, double magnitude) {
        this(headDimension, constant(frequencies), frequencies.length, magnitude);
    }

    private RotaryTable(int headDimension, IntFunction<double[]> frequenciesFor, int pairs, double magnitude) {
        if (pairs < 1 || headDimension < 2L * pairs) {
            throw new IllegalArgumentException("a rotary embedding with " + pairs + " frequencies turns " + 2L * pairs
                    + " numbers of each head, but heads have " + headDimension
                    + "; give at least one frequency and at most half the head dimension");
        }
        if (!(magnitude > 0) || Double.isInfinite(magnitude)) {
            throw new IllegalArgumentException("the magnitude of a rotary embedding is " + magnitude
                    + ", but must be positive and finite");
        }
        this.headDimension = headDimension;
        this.frequenciesFor = frequenciesFor;
        this.pairs = pairs;
        this.magnitude = magnitude;
        anglesFor(1);
    }

    /**
     * A table whose frequencies depend on the length of a pass, which is the largest position of all its tokens plus 1
     * (dynamic NTK scaling, longrope; transformers' {@code dynamic_rope_update}).
     *
     * <p>All tokens of a pass are turned by the frequencies of its longest sequence, so that a short sequence gives other
     * numbers beside one that crosses a threshold than alone. Keys in a cache stay as the pass turned them that wrote them:
     * a text that grows past a threshold meets old keys at the old frequencies, as in transformers, unless whoever
     * generates computes its cache again there, as transformers does for Phi-3. Other than in transformers nothing is
     * carried from one pass to the next: the same pass gives the same numbers whatever came before.
     *
     * @param headDimension  numbers per head, at least twice the frequencies
     * @param frequenciesFor the frequencies for a length of at least 1, as many for each; a pure function, called once per
     *                       kernel at most
     * @param magnitude      the factor on cosines and sines, positive
     */
    public static RotaryTable byLength(int headDimension, IntFunction<double[]> frequenciesFor, double magnitude) {
        return new RotaryTable(headDimension, frequenciesFor, frequenciesFor.apply(1).length, magnitude);
    }

    /** Numbers per head. */
    public int headDimension() {
        return headDimension;
    }

    /** Pairs per head that are turned: half the head dimension, or fewer. */
    public int pairs() {
        return pairs;
    }

    /** The factor on cosines and sines. */
    public double magnitude() {
        return magnitude;
    }

    /**
     * The angles of a pass over tokens at these positions.
     *
     * @param positions each at least 0; a pass without tokens has the angles of length 1
     */
    public RotaryAngles angles(int... positions) {
        int largest = 0;
        for (int position : positions) {
            largest = Math.max(largest, position);
        }
        return anglesFor(largest + 1);
    }

    private synchronized RotaryAngles anglesFor(int length) {
        if (last == null || length != lastLength) {
            last = find(length);
            lastLength = length;
        }
        return last;
    }

    private RotaryAngles find(int length) {
        double[] frequencies = frequenciesFor.apply(length);
        for (RotaryAngles angles : recent) {
            if (angles.has(frequencies)) {
                return angles;
            }
        }
        if (frequencies.length != pairs) {
            throw new IllegalArgumentException("a rotary embedding has " + frequencies.length + " frequencies for length "
                    + length + ", but " + pairs + " for length 1; it must have as many for every length");
        }
        for (double frequency : frequencies) {
            if (!Double.isFinite(frequency)) {
                throw new IllegalArgumentException("a rotary embedding has the frequency " + frequency + " for length "
                        + length + ", but all must be finite");
            }
        }
        RotaryAngles angles = new RotaryAngles(frequencies.clone(), magnitude);
        recent.addFirst(angles);
        if (recent.size() > KEPT) {
            recent.removeLast();
        }
        return angles;
    }

    private static IntFunction<double[]> constant(double[] frequencies) {
        double[] copy = frequencies.clone();
        return length -> copy;
    }

    private static double[] plain(int headDimension, double theta) {
        if (headDimension < 2 || headDimension % 2 != 0 || !(theta > 0)) {
            throw new IllegalArgumentException("rotary embedding needs an even head dimension and a positive theta, got "
                    + headDimension + " and " + theta);
        }
        double[] frequencies = new double[headDimension / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / headDimension);
        }
        return frequencies;
    }
}
