package org.finetune4j.train;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.head.TokenValues;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.model.PackedBatch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A language model so small that its gradient is written by hand: the logits of the next token are a row of a trained
 * table, a tenth of which dropout removes, plus a trained bias, times a frozen temperature.
 */
final class BigramEngine implements GradientEngine {
    static final int VOCABULARY = 12;
    private static final int TABLE = VOCABULARY * VOCABULARY;
    private static final float DROPPED = 0.1f;

    private final INDArray weights = Nd4j.zeros(DataType.FLOAT, TABLE + VOCABULARY);
    private final INDArray gradient = Nd4j.zeros(DataType.FLOAT, TABLE + VOCABULARY);
    float temperature = 1;
    int passes;

    BigramEngine() {
        for (int i = 0; i < TABLE; i++) {
            weights.putScalar(i, (float) CounterRandom.gaussian(99, i) * 0.1f);
        }
    }

    @Override
    public List<Slice> slices() {
        return List.of(new Slice("bigram.table", new long[] {VOCABULARY, VOCABULARY}, true, 0),
                new Slice("bigram.bias", new long[] {VOCABULARY}, false, TABLE));
    }

    @Override
    public INDArray weights() {
        return weights;
    }

    @Override
    public INDArray gradient() {
        return gradient;
    }

    @Override
    public void weightsChanged() {
    }

    @Override
    public String hashOfFrozen() {
        return Hashes.of(Float.toString(temperature));
    }

    @Override
    public int vocabulary() {
        return VOCABULARY;
    }

    @Override
    public void zeroGradients() {
        gradient.assign(0);
    }

    @Override
    public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
        passes++;
        return pass(batch, dropoutSeed, DROPPED, true);
    }

    @Override
    public TokenValues evaluate(PackedBatch batch) {
        return pass(batch, 0, 0, false);
    }

    private TokenValues pass(PackedBatch batch, long dropoutSeed, float dropped, boolean backward) {
        FloatBuffer w = weights.data().asNioFloat();
        FloatBuffer g = gradient.data().asNioFloat();
        float[] losses = new float[batch.supervised()];
        double total = 0;
        for (int r = 0; r < batch.supervised(); r++) {
            int row = batch.ids()[batch.supervisedRows()[r]] * VOCABULARY;
            double[] logits = new double[VOCABULARY];
            boolean[] kept = new boolean[VOCABULARY];
            double sum = 0;
            for (int v = 0; v < VOCABULARY; v++) {
                kept[v] = CounterRandom.uniform(dropoutSeed, (long) batch.ids()[batch.supervisedRows()[r]] * VOCABULARY
                        + v) >= dropped;
                logits[v] = temperature * ((kept[v] ? w.get(row + v) : 0) + w.get(TABLE + v));
                sum += Math.exp(logits[v]);
            }
            losses[r] = (float) (Math.log(sum) - logits[batch.labels()[r]]);
            total += (double) batch.weights()[r] * losses[r];
            for (int v = 0; backward && v < VOCABULARY; v++) {
                double delta = batch.weights()[r] * temperature
                        * (Math.exp(logits[v]) / sum - (v == batch.labels()[r] ? 1 : 0));
                if (kept[v]) {
                    g.put(row + v, (float) (g.get(row + v) + delta));
                }
                g.put(TABLE + v, (float) (g.get(TABLE + v) + delta));
            }
        }
        return new TokenValues(total, Map.of("loss", losses));
    }
}
