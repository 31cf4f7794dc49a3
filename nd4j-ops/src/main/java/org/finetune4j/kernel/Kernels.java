package org.finetune4j.kernel;

import java.util.Collection;
import java.util.List;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The numeric kernels of one device. Every kernel has the same formula on every device; tests hold each
 * implementation to {@code nd4j}, which is built of stock ND4J operations only.
 *
 * <p>Arrays are dense, row-major ('c') and do not overlap unless a method allows it. The caller gives the outputs; a
 * kernel writes every element of them. Activations and weights have one of the types of {@link #supports}; integer
 * inputs are INT32; logits, token losses and gradients of parameters are FLOAT (DOUBLE where activations are DOUBLE).
 * Arithmetic within a kernel is done in f32 at least. Where a method has {@code accumulate}, the result is added to
 * what the output holds instead of replacing it. Results do not depend on the number of threads.
 *
 * <p>Packed batches: {@code [tokens, ...]} arrays hold the sequences one after another without padding;
 * {@code offsets [sequences + 1]} holds where each begins, the first 0 and the last {@code tokens}.
 */
public interface Kernels extends AutoCloseable {
    /** The name by which a recipe selects these kernels, such as {@code onednn}. */
    String name();

    /** Whether activations and weights of this type are supported. */
    boolean supports(DataType type);

    /**
     * Matrix product {@code out = alpha * op(a) op(b)}, or {@code out += ...} when accumulating.
     *
     * @param a          {@code [m, k]}, or {@code [k, m]} when transposed
     * @param b          {@code [k, n]}, or {@code [n, k]} when transposed; of the type of {@code a}
     * @param out        {@code [m, n]}, of the type of {@code a}, or FLOAT where that is BFLOAT16
     */
    void matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray out, double alpha,
                boolean accumulate);

    /**
     * Several sums of matrix products that do not depend on each other: no output overlaps another or an input of another
     * sum. A device
     * may compute them side by side, and the terms of a sum without writing out what lies between them.
     */
    default void products(List<ProductSum> sums) {
        for (ProductSum sum : sums) {
            boolean accumulate = sum.accumulate();
            if (sum.addend() != null) {
                scale(sum.addend(), 1, sum.out());
                accumulate = true;
            }
            for (Product product : sum.products()) {
                INDArray b = product.scales() == null ? product.b()
                        : product.b().castTo(product.a().dataType())
                                .muliColumnVector(product.scales().castTo(product.a().dataType()));
                matmul(product.a(), product.transposeA(), b, product.transposeB(), sum.out(), product.factor(),
                        accumulate);
                accumulate = true;
            }
        }
    }

    /**
     * Tells that weights {@code [outputs, inputs]} stay as they are and where they are until the result is closed, so
     * that products {@code x weight^T} with few rows, which take as long as it takes to read the weight, may read copies
     * in a layout made for that. Results change by rounding only.
     *
     * @return to be closed before any of the weights is changed or freed
     */
    default HeldWeights hold(Collection<INDArray> weights) {
        return HeldWeights.NONE;
    }

    /**
     * Bytes of the copy that {@link #hold} keeps of a weight, which need not be there.
     *
     * @param type    of the weight
     * @param outputs rows of the weight {@code [outputs, inputs]}
     * @param inputs  its columns
     */
    default long heldBytes(DataType type, long outputs, long inputs) {
        return 0;
    }

    /**
     * As {@link #hold}, for products {@code upstream weight} with many rows, by which gradients pass back through linear
     * layers whose weights do not train. Results change by rounding at most.
     *
     * @return to be closed before any of the weights is changed or freed
     */
    default HeldWeights holdForGradients(Collection<INDArray> weights) {
        return HeldWeights.NONE;
    }

    /** Bytes of the copy that {@link #holdForGradients} keeps of a weight {@code [outputs, inputs]}; 0 where it keeps none. */
    default long heldForGradientsBytes(DataType type, long outputs, long inputs) {
        return 0;
    }

    /** Rows of a table: {@code out[t] = table[ids[t]]}; ids {@code [tokens]}, table {@code [vocabulary, hidden]}. */
    void embedding(INDArray ids, INDArray table, INDArray out);

    /** Adds to {@code tableGradient [vocabulary, hidden]} every row of {@code outGradient} at its id, in token order. */
    void embeddingGradient(INDArray ids, INDArray outGradient, INDArray tableGradient);

    /** Selected rows: {@code out[r] = x[rows[r]]}; the rows are distinct. */
    void gatherRows(INDArray x, INDArray rows, INDArray out);

    /** The gradient of {@link #gatherRows}: zero but for {@code inputGradient[rows[r]] = outGradient[r]}. */
    void gatherRowsGradient(INDArray rows, INDArray outGradient, INDArray inputGradient);

    /**
     * The mean of the rows of each sequence of a packed batch: {@code out[s] = mean over offsets[s] <= t < offsets[s + 1] of
     * x[t]}.
     *
     * @param offsets {@code [sequences + 1]} INT32; no sequence may be empty
     */
    void meanRows(INDArray x, INDArray offsets, INDArray out);

    /** The gradient of {@link #meanRows}: {@code inputGradient[t] = outGradient[s] / (offsets[s + 1] - offsets[s])}. */
    void meanRowsGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient);

    /**
     * RMSNorm (arXiv 1910.07467): {@code out = weight * x / sqrt(mean(x^2) + epsilon)} per row of {@code [tokens, hidden]}.
     *
     * @param weight      {@code [hidden]}, of the type of x or FLOAT
     * @param zeroCentred whether {@code 1 + weight} stands in the place of {@code weight}, the sum formed in f32
     */
    void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out);

    /**
     * The gradient of {@link #rmsNorm}. With {@code r = 1 / sqrt(mean(x^2) + epsilon)} and {@code g = outGradient * weight}
     * (or {@code outGradient * (1 + weight)}): {@code inputGradient = r g - x r^3 mean(g x) + addend},
     * {@code weightGradient += sum over tokens of outGradient * x * r}.
     *
     * @param addend         {@code [tokens, hidden]} of the type of x, or null for none
     * @param inputGradient  {@code [tokens, hidden]}, or null when the input needs none; may be {@code addend}
     * @param weightGradient {@code [hidden]} FLOAT (or DOUBLE), added to; null when the weight needs none
     */
    void rmsNormGradient(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray outGradient,
                         @Nullable INDArray addend, @Nullable INDArray inputGradient,
                         @Nullable INDArray weightGradient);

    /**
     * Layer normalisation (arXiv 1607.06450): {@code out = weight * (x - mean) / sqrt(variance + epsilon) + bias} per row of
     * {@code [tokens, hidden]}, with the biased variance, {@code mean((x - mean)^2)}.
     *
     * @param weight {@code [hidden]}
     * @param bias   {@code [hidden]}, or null for none
     */
    void layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon, INDArray out);

    /**
     * The gradient of {@link #layerNorm}. With {@code r = 1 / sqrt(variance + epsilon)}, {@code c = x - mean} and
     * {@code g = outGradient * weight}: {@code inputGradient = r (g - mean(g)) - c r^3 mean(g c) + addend},
     * {@code weightGradient += sum over tokens of outGradient * c * r}, {@code biasGradient += sum over tokens of
     * outGradient}.
     *
     * @param addend         {@code [tokens, hidden]} of the type of x, or null for none
     * @param inputGradient  {@code [tokens, hidden]}, or null when the input needs none; may be {@code addend}
     * @param weightGradient {@code [hidden]} FLOAT (or DOUBLE), added to; null when the weight needs none
     * @param biasGradient   {@code [hidden]} FLOAT (or DOUBLE), added to; null when there is no bias or it needs none
     */
    void layerNormGradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient, @Nullable INDArray addend,
                           @Nullable INDArray inputGradient, @Nullable INDArray weightGradient,
                           @Nullable INDArray biasGradient);

    /**
     * Rotary position embedding of every head of {@code x [tokens, heads * headDimension]}, or the same turn backwards,
     * which is its gradient and undoes it where the table's magnitude is 1; numbers of a head beyond the table's pairs are
     * copied.
     *
     * @param positions {@code [tokens]}, each token's position in its sequence
     */
    void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out);

    /**
     * Grouped-query attention within each sequence of a packed batch:
     * {@code out[t, h] = sum over s of softmax_s(score(q[t, h] . k[s, h / group])) v[s, h / group]}, where q and k are query
     * and key, turned by {@link #rotary} first if {@code rotary} is given, and {@link AttentionScores} say what the score of
     * a product is and over which s the sum goes: those up to t unless they say otherwise.
     *
     * @param query     {@code [tokens, heads * headDimension]}
     * @param key       {@code [tokens, keyValueHeads * headDimension]}
     * @param value     {@code [tokens, keyValueHeads * headDimension]}
     * @param offsets   {@code [sequences + 1]} INT32
     * @param rotary    the rotary embedding of queries and keys; null where they have none, or have it already
     * @param logSumExp an output {@code [tokens, heads]} FLOAT (DOUBLE where activations are DOUBLE): the logarithm of the
     *                  sum over s of {@code exp(score)}, which the gradient reads
     */
    void attention(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                   @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp);

    /**
     * The gradients of {@link #attention} towards query, key and value as they were given there, before any rotary
     * embedding; the probabilities are recomputed, never kept.
     *
     * @param out       the output of the forward pass
     * @param logSumExp the second output of the forward pass
     */
    void attentionGradient(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                           @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp, INDArray outGradient,
                           INDArray queryGradient, INDArray keyGradient, INDArray valueGradient);

    /**
     * Attention over a cache, for generation. For sequence {@code b}, the new rows {@code offsets[b]..offsets[b+1]} of
     * key (turned if {@code rotary} is given) and value are first written into its cache at {@code cacheLengths[b]...};
     * then each new query attends to its sequence's cache up to and with its own place, or to the window that ends there.
     * Attention that is not causal is refused, as earlier tokens have not seen the new ones.
     *
     * @param keyCache     {@code [sequences, capacity, keyValueHeads * headDimension]}, written to
     * @param valueCache   like {@code keyCache}
     * @param cacheLengths {@code [sequences]} INT32: places already filled; not changed
     * @param offsets      {@code [sequences + 1]} INT32 over the new tokens; a sequence may have none
     * @param rotary       the rotary embedding of the new queries and keys; null where they have none, or have it already
     */
    void cachedAttention(INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache,
                         INDArray cacheLengths, INDArray offsets, AttentionShape shape,
                         @Nullable RotaryPositions rotary, INDArray out);

    /** A function of every element: {@code out = kind(x)}; {@code out} may be {@code x}. */
    void activation(INDArray x, Activation.Kind kind, INDArray out);

    /** The gradient of {@link #activation}: {@code inputGradient = outGradient kind'(x)}; it may be either input. */
    void activationGradient(INDArray x, Activation.Kind kind, INDArray outGradient, INDArray inputGradient);

    /** A gated activation, such as SwiGLU (arXiv 2002.05202): {@code out = kind(gate) * up}. */
    void gatedActivation(INDArray gate, INDArray up, Activation.Kind kind, INDArray out);

    /**
     * The gradients of {@link #gatedActivation}: {@code gateGradient = outGradient up kind'(gate)} and
     * {@code upGradient = outGradient kind(gate)}; {@code gateGradient} may be {@code gate} and {@code upGradient} may be
     * {@code up}.
     */
    void gatedActivationGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                                 INDArray gateGradient, INDArray upGradient);

    /** Keeps numbers within a cap, smoothly: {@code out = cap * tanh(x / cap)}; {@code out} may be {@code x}. */
    void softCap(INDArray x, double cap, INDArray out);

    /**
     * The gradient of {@link #softCap}: {@code inputGradient = outGradient (1 - (out / cap)^2)}.
     *
     * @param out           what {@link #softCap} gave
     * @param outGradient   of the type of {@code out} or BFLOAT16
     * @param inputGradient of the type of {@code outGradient}, which it may be
     */
    void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient);

    /** Element-wise sum {@code out = a + b}; {@code out} may be {@code a} or {@code b}. */
    void add(INDArray a, INDArray b, INDArray out);

    /** A row added to every row: {@code out[t] = x[t] + row}; row {@code [width]}; {@code out} may be {@code x}. */
    void addRow(INDArray x, INDArray row, INDArray out);

    /** Adds to {@code sums [width]}, FLOAT (or DOUBLE), the sum of the rows of {@code x [tokens, width]}. */
    void columnSums(INDArray x, INDArray sums);

    /**
     * Deals out the columns of a matrix: of every run of {@code sum(counts)} numbers of a row the first
     * {@code counts[0]} go to {@code outs[0]}, the next {@code counts[1]} to {@code outs[1]}, and so on.
     *
     * @param x    {@code [tokens, runs * sum(counts)]}
     * @param outs {@code [tokens, runs * counts[i]]} each
     */
    void split(INDArray x, int[] counts, List<INDArray> outs);

    /**
     * Undoes {@link #split}, and is its gradient.
     *
     * @param parts {@code [tokens, runs * counts[i]]} each; null for one that is zero, but not all
     * @param out   {@code [tokens, runs * sum(counts)]}
     */
    void join(List<@Nullable INDArray> parts, int[] counts, INDArray out);

    /**
     * Chooses experts for tokens (arXiv 2401.04088): of {@code p = softmax(logits[t])} the largest {@code perToken}, of equal
     * ones those of lower number.
     *
     * @param logits    {@code [tokens, experts]}
     * @param normalize whether the weights of a token are divided by their sum
     * @param chosen    an output {@code [tokens * perToken]} INT32: each token's experts by rising number
     * @param weights   an output {@code [tokens, perToken]} FLOAT (or DOUBLE): the p of the chosen
     */
    void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights);

    /**
     * The gradient of {@link #chooseExperts} from the weights to the logits. With {@code s} the sum of
     * {@code weights * weightGradient} of a token, that is {@code weights * (weightGradient - s)} at the chosen and else 0
     * where the weights are normalised, and {@code p * (weightGradient - s)} otherwise, where {@code weightGradient} is 0 for
     * those not chosen.
     *
     * @param chosen         what {@link #chooseExperts} gave
     * @param weightGradient {@code [tokens, perToken]} FLOAT (or DOUBLE)
     * @param logitsGradient {@code [tokens, experts]}
     */
    void chooseExpertsGradient(INDArray logits, boolean normalize, INDArray chosen, INDArray weightGradient,
                               INDArray logitsGradient);

    /**
     * Weighted sums of rows: {@code out[t] = sum over j of weights[t, j] * y[places[t * perToken + j]]}, in the order of j.
     *
     * @param y       {@code [tokens * perToken, hidden]}
     * @param places  {@code [tokens * perToken]} INT32, every number below its length once
     * @param weights {@code [tokens, perToken]} FLOAT (or DOUBLE), or null where all are 1
     * @param out     {@code [tokens, hidden]}
     */
    void combineRows(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out);

    /**
     * The gradients of {@link #combineRows}: {@code yGradient[places[t * perToken + j]] = weights[t, j] * outGradient[t]} and
     * {@code weightGradient[t, j] = y[places[t * perToken + j]] . outGradient[t]}.
     *
     * @param yGradient      {@code [tokens * perToken, hidden]}, or null when y needs none
     * @param weightGradient {@code [tokens, perToken]} FLOAT (or DOUBLE), or null when the weights need none
     */
    void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                             @Nullable INDArray yGradient, @Nullable INDArray weightGradient);

    /** Scaled copy {@code out = factor * x}, converting the type (round to nearest even); {@code out} may be {@code x}. */
    void scale(INDArray x, double factor, INDArray out);

    /**
     * Multiplies by a random mask: {@code out = x * keep / (1 - rate)} where {@code keep} of element {@code i} is drawn
     * from {@link CounterRandom#uniform(long, long) uniform(seed, i)} {@code >= rate}. The same call is its gradient.
     */
    void dropout(INDArray x, double rate, long seed, INDArray out);

    /**
     * {@code out[c] = log sum over v of exp(logits[c, v])}, with the maximum shifted out; what a softmax is
     * normalised by.
     */
    void logSumExp(INDArray logits, INDArray out);

    /**
     * The gradient of {@link #logSumExp}: {@code logitsGradient[c] = outGradient[c] * softmax(logits[c]) + addend[c]}.
     *
     * @param logSumExp      {@code [rows]}, what {@link #logSumExp} gave for {@code logits}
     * @param addend         {@code [rows, vocabulary]} of the type of logits, or null for none
     * @param logitsGradient {@code [rows, vocabulary]}, of the type of logits or BFLOAT16; may be {@code addend}
     */
    void logSumExpGradient(INDArray logits, INDArray logSumExp, INDArray outGradient, @Nullable INDArray addend,
                           INDArray logitsGradient);

    /**
     * Log-probability of each row's label: {@code out[c] = logits[c, labels[c]] - logSumExp[c]}.
     *
     * @param logSumExp {@code [rows]}, what {@link #logSumExp} gave for {@code logits}
     */
    void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out);

    /**
     * The gradient of {@link #logProbability} towards the logits, through its log-sum-exp too:
     * {@code logitsGradient[c] = outGradient[c] * (onehot(labels[c]) - softmax(logits[c])) + addend[c]}.
     *
     * @param logSumExp      {@code [rows]}, what {@link #logSumExp} gave for {@code logits}
     * @param addend         {@code [rows, vocabulary]} of the type of logits, or null for none
     * @param logitsGradient {@code [rows, vocabulary]}, of the type of logits or BFLOAT16; may be {@code addend}
     */
    void logProbabilityGradient(INDArray logits, INDArray labels, INDArray logSumExp, INDArray outGradient,
                                @Nullable INDArray addend, INDArray logitsGradient);

    /**
     * {@code out[c] = KL(softmax(from[c]) || softmax(to[c]))} over the last axis of {@code [rows, vocabulary]}.
     *
     * @param fromLogSumExp {@code [rows]}, what {@link #logSumExp} gave for {@code from}
     * @param toLogSumExp   {@code [rows]}, what {@link #logSumExp} gave for {@code to}
     */
    void klDivergence(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp, INDArray out);

    /**
     * The gradient of {@link #klDivergence} towards {@code from}. With {@code p = softmax(from)}, {@code q =
     * softmax(to)}: {@code fromGradient = outGradient p (log p - log q - divergence) + addend}.
     *
     * @param divergence   {@code [rows]}, what {@link #klDivergence} gave
     * @param addend       {@code [rows, vocabulary]} of the type of logits, or null for none
     * @param fromGradient {@code [rows, vocabulary]}, of the type of logits or BFLOAT16; may be {@code addend}
     */
    void klDivergenceFromGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                  INDArray divergence, INDArray outGradient, @Nullable INDArray addend,
                                  INDArray fromGradient);

    /**
     * The gradient of {@link #klDivergence} towards {@code to}: {@code toGradient = outGradient (q - p) + addend}, with
     * the arguments of {@link #klDivergenceFromGradient}.
     */
    void klDivergenceToGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                INDArray outGradient, @Nullable INDArray addend, INDArray toGradient);

    /** Sum of squares of all elements, in double, independent of the number of threads. */
    double squaredNorm(INDArray x);

    /** Whether no element is infinite or NaN. */
    boolean isFinite(INDArray x);

    /**
     * One AdamW update (arXiv 1711.05101) of a flat FLOAT parameter, in place. With {@code g = gradientScale * gradient}:
     * {@code m = beta1 m + (1 - beta1) g}, {@code v = beta2 v + (1 - beta2) g^2},
     * {@code w = w - lr (decay w + (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + epsilon))}.
     *
     * @param step 1 for the first update
     */
    void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment, AdamWStep step);

    /** Frees what these kernels hold outside the heap. */
    @Override
    void close();
}
