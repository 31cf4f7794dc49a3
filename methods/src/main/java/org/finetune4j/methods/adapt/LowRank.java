package org.finetune4j.methods.adapt;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.LinearSite;
import org.finetune4j.model.ParameterSpec;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A trained product of two thin matrices beside linear layers, {@code V = W + s B A}, with or without trained magnitudes
 * of V's rows: what {@link Lora}, {@link Dora} and adapters read from PEFT's files have in common.
 *
 * @param method  the method's name, for messages
 * @param sites   where it attaches, with which rank and alpha
 * @param rooted  whether the scale s is {@code alpha / sqrt(rank)} instead of {@code alpha / rank}
 * @param dropout rate at which elements of the product's input are dropped while training
 * @param rescaled whether the rows have magnitudes: {@code y = m / ||V|| * V x}, see {@link Dora}
 */
record LowRank(String method, Sites sites, boolean rooted, double dropout, boolean rescaled) implements LinearAdapter {
    static final String DOWN = "lora_A.weight";
    static final String UP = "lora_B.weight";
    static final String MAGNITUDE = "lora_magnitude_vector";
    /** Far below any square that counts, so that a row of zeros divided by its norm stays zero. */
    private static final double TINY = 1e-30;

    /** Where a low-rank product stands. */
    interface Sites {
        /** The rank at a module path, or 0 where nothing attaches. */
        int rank(String site);

        /** The numerator of the scale at a module path where something attaches. */
        double alpha(String site);
    }

    /** The factor s of the product at a site. */
    double scale(String site) {
        int rank = sites.rank(site);
        return sites.alpha(site) / (rooted ? Math.sqrt(rank) : rank);
    }

    /**
     * Refuses a rank that is larger than a side of the layer. Only for ranks that are chosen here: adapters of others may
     * have such ranks, and they work.
     */
    void requireUsefulRank(String site, long inputs, long outputs) {
        int rank = sites.rank(site);
        long smaller = Math.min(inputs, outputs);
        if (rank > smaller) {
            throw new FinetuneException(method + ": rank " + rank + " is larger than the smaller side of " + site + " ["
                    + outputs + ", " + inputs + "], so the product would have more parameters than it can use. Use a "
                    + "rank of at most " + smaller + ", or leave this layer out of the targets.");
        }
    }

    @Override
    public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
        int rank = sites.rank(site);
        if (rank == 0) {
            return List.of();
        }
        String down = site + "." + DOWN;
        double bound = 1 / Math.sqrt(inputs);
        long own = CounterRandom.seed(0, down, 0);
        ParameterSpec first = new ParameterSpec(down, new long[] {rank, inputs},
                (seed, index) -> bound * (2.0 * CounterRandom.uniform(seed ^ own, index) - 1));
        ParameterSpec second = new ParameterSpec(site + "." + UP, new long[] {outputs, rank},
                ParameterSpec.Initializer.zeros());
        return rescaled ? List.of(first, second, new ParameterSpec(site + "." + MAGNITUDE, new long[] {outputs},
                ParameterSpec.Initializer.rowNorms())) : List.of(first, second);
    }

    @Override
    public SDVariable adapt(LinearSite site, SDVariable base) {
        SDVariable input = dropout > 0 ? site.dropout(site.input(), dropout) : site.input();
        SDVariable narrow = site.linear(input, site.parameter(DOWN));
        SDVariable output = site.linearAdd(base, scale(site.name()), narrow, site.parameter(UP));
        return rescaled ? rescale(site, output) : output;
    }

    /** {@code m / n * output} with n the norms of V's rows, constant for the gradient. */
    private SDVariable rescale(LinearSite site, SDVariable output) {
        SDVariable ratio = site.full(site.parameter(MAGNITUDE)).div(site.detached(norms(site)));
        return site.rounded(site.full(output).mul(ratio));
    }

    /** Norms of the rows of {@code W + s B A}, from products with W so that the sum is never formed. */
    private SDVariable norms(LinearSite site) {
        double scale = scale(site.name());
        SDVariable down = site.full(site.parameter(DOWN));
        SDVariable up = site.full(site.parameter(UP));
        SDVariable across = site.throughWeight(site.parameter(DOWN));
        SDVariable withWeight = up.permute(1, 0).mul(across).sum(0);
        SDVariable own = up.mul(site.linear(up, site.linear(down, down))).sum(1);
        SDVariable squares = site.squaredRowNorms().add(withWeight.mul(2 * scale)).add(own.mul(scale * scale));
        return squares.getSameDiff().math().sqrt(squares.getSameDiff().nn().relu(squares, 0).add(TINY));
    }

    /** See {@link Adapter#merged}. */
    INDArray merged(String site, INDArray weight, Function<String, INDArray> parameter) {
        INDArray down = parameter.apply(DOWN);
        INDArray up = parameter.apply(UP);
        int rank = sites.rank(site);
        if (!Arrays.equals(down.shape(), new long[] {rank, weight.size(1)})
                || !Arrays.equals(up.shape(), new long[] {weight.size(0), rank})) {
            throw new IllegalArgumentException("W " + Arrays.toString(weight.shape()) + ", A "
                    + Arrays.toString(down.shape()) + " and B " + Arrays.toString(up.shape())
                    + " do not fit together at rank " + rank);
        }
        DataType wide = weight.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
        INDArray sum = up.castTo(wide).mmul(down.castTo(wide)).muli(scale(site)).addi(weight.castTo(wide));
        if (rescaled) {
            INDArray norms = sum.mul(sum).sum(1).addi(TINY);
            sum.muliColumnVector(parameter.apply(MAGNITUDE).castTo(wide).div(Transforms.sqrt(norms, false)));
        }
        return sum.castTo(weight.dataType());
    }
}
