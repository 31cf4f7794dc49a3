package org.finetune4j.methods.adapt;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.LinearSite;
import org.finetune4j.model.ParameterSpec;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What {@link Lora} and {@link Dora} do alike: all of it by {@link LowRank}, from the settings that they share. */
interface LowRankAdapter extends Adapter, LinearAdapter {
    /** Width of the product. */
    int rank();

    /** Numerator of the scale. */
    double alpha();

    /** Rate of dropout. */
    double dropout();

    /** Which layers. */
    List<String> targets();

    /** Whether the scale goes with the root of the rank. */
    boolean rsLora();

    /** Ranks of their own for some targets. */
    List<String> ranks();

    /** Alphas of their own for some targets. */
    List<String> alphas();

    /** Whether every output has a trained magnitude. */
    boolean hasMagnitudes();

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    static void require(String method, Targets layers, double dropout) {
        layers.require(method);
        Settings.require(dropout >= 0 && dropout < 1, method, "dropout", dropout, "at least 0 and below 1");
    }

    /** The layers with their ranks and alphas. */
    default Targets layers() {
        return new Targets(rank(), alpha(), targets(), ranks(), alphas());
    }

    /** The product. */
    default LowRank lowRank() {
        return new LowRank(method().name(), layers(), rsLora(), dropout(), hasMagnitudes());
    }

    @Override
    default LinearAdapter linearAdapter() {
        return this;
    }

    @Override
    default List<ParameterSpec> parameters(String site, long inputs, long outputs) {
        lowRank().requireUsefulRank(site, inputs, outputs);
        return lowRank().parameters(site, inputs, outputs);
    }

    @Override
    default SDVariable adapt(LinearSite site, SDVariable base) {
        return lowRank().adapt(site, base);
    }

    @Override
    default void requireFits(Map<String, long[]> layers) {
        layers().requireNamed(method().name(), layers.keySet());
        layers.forEach((site, shape) -> parameters(site, shape[1], shape[0]));
    }

    @Override
    default INDArray merged(String site, INDArray weight, Function<String, INDArray> parameter) {
        return lowRank().merged(site, weight, parameter);
    }

    @Override
    default Map<String, Object> peftConfig(String baseModel, Collection<String> sites) {
        return PeftConfig.of(baseModel, lowRank(), layers().peftConfig(sites));
    }
}
