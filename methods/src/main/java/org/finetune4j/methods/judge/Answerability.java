package org.finetune4j.methods.judge;

import org.finetune4j.FinetuneException;

/**
 * How well questions without an answer are told from those with one; unanswerable is the positive class.
 *
 * @param truePositives  unanswerable and declined
 * @param falsePositives answerable and declined
 * @param falseNegatives unanswerable and answered
 * @param trueNegatives  answerable and answered
 */
public record Answerability(int truePositives, int falsePositives, int falseNegatives, int trueNegatives) {
    /**
     * Counts.
     *
     * @param unanswerable whether each question has no answer
     * @param declined     whether the reply to each declines
     * @throws FinetuneException when the arrays differ in length or are empty
     */
    public static Answerability of(boolean[] unanswerable, boolean[] declined) {
        if (unanswerable.length != declined.length || declined.length == 0) {
            throw new FinetuneException("answerability: there are " + unanswerable.length + " questions and "
                    + declined.length
                    + " replies. Give one reply for each of at least one question.");
        }
        int[] counts = new int[4];
        for (int i = 0; i < declined.length; i++) {
            counts[(unanswerable[i] ? 0 : 1) + (declined[i] ? 0 : 2)]++;
        }
        return new Answerability(counts[0], counts[1], counts[2], counts[3]);
    }

    /** The share of questions that are told right. */
    public double accuracy() {
        return (double) (truePositives + trueNegatives) / (truePositives + falsePositives + falseNegatives
                + trueNegatives);
    }

    /** The share of declined questions that have no answer; 0 when none was declined. */
    public double precision() {
        return share(truePositives, truePositives + falsePositives);
    }

    /** The share of unanswerable questions that were declined; 0 when there are none. */
    public double recall() {
        return share(truePositives, truePositives + falseNegatives);
    }

    /** The harmonic mean of precision and recall; 0 when both are. */
    public double f1() {
        return share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);
    }

    private static double share(int part, int whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }
}
