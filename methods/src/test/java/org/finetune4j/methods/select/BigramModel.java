package org.finetune4j.methods.select;

import java.util.List;
import java.util.Random;
import org.finetune4j.data.Sample;

/**
 * A model of words over a, b and c, each letter drawn from the one before it; the end is the fourth token.
 *
 * @param probabilities of a, b, c and the end, from the start and from a, b and c
 */
record BigramModel(double[][] probabilities) implements ResponseScorer {
    /** The model of card {@code s3ft}. */
    static final BigramModel CARD = new BigramModel(new double[][] {{.6, .2, .1, .1}, {.1, .5, .2, .2},
        {.25, .25, .25, .25}, {.05, .05, .1, .8}});

    private static final int END = 3;

    /** A model whose probabilities are drawn from a seed; the end is never unlikely. */
    static BigramModel random(long seed) {
        Random random = new Random(seed);
        double[][] rows = new double[4][4];
        for (double[] row : rows) {
            double sum = 0;
            for (int i = 0; i < row.length; i++) {
                row[i] = random.nextDouble() + (i == END ? 0.3 : 0.02);
                sum += row[i];
            }
            for (int i = 0; i < row.length; i++) {
                row[i] /= sum;
            }
        }
        return new BigramModel(rows);
    }

    float[] logProbabilities(String response) {
        float[] logProbabilities = new float[response.length() + 1];
        int state = 0;
        for (int i = 0; i <= response.length(); i++) {
            int token = i < response.length() ? response.charAt(i) - 'a' : END;
            logProbabilities[i] = (float) Math.log(probabilities[state][token]);
            state = token + 1;
        }
        return logProbabilities;
    }

    /** The most probable letter always, at most so many, and then whether the end came. */
    String greedy(int most) {
        StringBuilder text = new StringBuilder();
        int state = 0;
        while (text.length() < most) {
            int best = 0;
            for (int i = 1; i < 4; i++) {
                best = probabilities[state][i] > probabilities[state][best] ? i : best;
            }
            if (best == END) {
                break;
            }
            text.append((char) ('a' + best));
            state = best + 1;
        }
        return text.toString();
    }

    /** The mean loss of a token over all responses. */
    double loss(List<Sample> samples) {
        double sum = 0;
        int tokens = 0;
        for (float[] response : tokenLogProbabilities(samples)) {
            for (float logProbability : response) {
                sum -= logProbability;
                tokens++;
            }
        }
        return sum / tokens;
    }

    @Override
    public List<float[]> tokenLogProbabilities(List<Sample> conversations) {
        return conversations.stream().map(sample -> logProbabilities(String.valueOf(sample.response()))).toList();
    }
}
