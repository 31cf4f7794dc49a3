package org.finetune4j.methods.adapt;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.LinearSite;
import org.finetune4j.model.ModelShapes;
import org.finetune4j.model.ParameterSpec;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Low-rank adaptation: a trained product of two thin matrices beside every targeted linear layer.
 *
 * <p>Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685. For a frozen weight
 * {@code W [outputs, inputs]} with {@code A [rank, inputs]} and {@code B [outputs, rank]},
 * <pre>
 * y = W x + s B A dropout(x),   s = alpha / rank
 * </pre>
 * A starts uniform in {@code [-1/sqrt(inputs), 1/sqrt(inputs))} (Kaiming with a = sqrt 5), B at zero, so that the
 * adapted model starts as the base. {@code rank (inputs + outputs)} parameters a layer. Parameters are named, and
 * adapters saved, as Hugging Face's PEFT does.
 *
 * @param rank    width of the product, at least 1 and at most the smaller side of every targeted layer; default 8
 * @param alpha   numerator of the scale, finite and above 0; default 16
 * @param dropout rate at which elements of the product's input are dropped while training, in [0, 1); default 0
 * @param targets which layers: one or more whole segments of the module path, such as {@code q_proj} or
 *                {@code layers.2} (which is not {@code layers.21}), or {@code all-linear}, which is the default
 */
public record Lora(int rank, double alpha, double dropout, List<String> targets) implements Adapter, LinearAdapter {
    /** Every linear layer of the model but its head. */
    public static final List<String> ALL_LINEAR = List.of(ModelShapes.ALL_LINEAR);

    /** Hu et al. 2021. */
    public static final Method<Lora> METHOD = new Method<>("lora", Method.Kind.ADAPT,
            "LoRA: Low-Rank Adaptation of Large Language Models", "arXiv 2106.09685",
            settings -> new Lora(settings.whole("rank", 8), settings.number("alpha", 16), settings.number("dropout", 0),
                    settings.texts("targets", ALL_LINEAR)));

    private static final String DOWN = "lora_A.weight";
    private static final String UP = "lora_B.weight";

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Lora {
        targets = List.copyOf(targets);
        Settings.require(rank >= 1, "lora", "rank", rank, "at least 1");
        Settings.require(alpha > 0 && Double.isFinite(alpha), "lora", "alpha", alpha, "a finite number above 0");
        Settings.require(dropout >= 0 && dropout < 1, "lora", "dropout", dropout, "at least 0 and below 1");
        Settings.require(!targets.isEmpty() && targets.stream().noneMatch(String::isBlank), "lora", "targets", targets,
                "one or more module names such as q_proj");
    }

    /** The defaults with this rank. */
    public Lora(int rank) {
        this(rank, 16, 0, ALL_LINEAR);
    }

    /** The factor s of the product. */
    public double scale() {
        return alpha / rank;
    }

    @Override
    public Method<Lora> method() {
        return METHOD;
    }

    @Override
    public LinearAdapter linearAdapter() {
        return this;
    }

    @Override
    public void requireFits(Map<String, long[]> layers) {
        for (String target : targets) {
            if (layers.keySet().stream().noneMatch(site -> ModelShapes.names(target, site))) {
                Set<String> last = new TreeSet<>();
                layers.keySet().forEach(site -> last.add(site.substring(site.lastIndexOf('.') + 1)));
                throw new FinetuneException("lora: target '" + target + "' names no linear layer of the model, so "
                        + "nothing would train there; the layers are named " + String.join(", ", last)
                        + ". Correct or remove the target.");
            }
        }
        layers.forEach((site, shape) -> parameters(site, shape[1], shape[0]));
    }

    @Override
    public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
        if (targets.stream().noneMatch(target -> ModelShapes.names(target, site))) {
            return List.of();
        }
        long smaller = Math.min(inputs, outputs);
        if (rank > smaller) {
            throw new FinetuneException("lora: rank " + rank + " is larger than the smaller side of " + site + " ["
                    + outputs + ", " + inputs + "], so the product would have more parameters than it can use. Use a "
                    + "rank of at most " + smaller + ", or leave this layer out of the targets.");
        }
        String down = site + "." + DOWN;
        double bound = 1 / Math.sqrt(inputs);
        long own = CounterRandom.seed(0, down, 0);
        return List.of(
                new ParameterSpec(down, new long[] {rank, inputs},
                        (seed, index) -> bound * (2.0 * CounterRandom.uniform(seed ^ own, index) - 1)),
                new ParameterSpec(site + "." + UP, new long[] {outputs, rank}, ParameterSpec.Initializer.zeros()));
    }

    @Override
    public SDVariable adapt(LinearSite site, SDVariable base) {
        SDVariable input = dropout > 0 ? site.dropout(site.input(), dropout) : site.input();
        SDVariable narrow = site.linear(input, site.parameter(DOWN));
        return site.linearAdd(base, scale(), narrow, site.parameter(UP));
    }

    /**
     * A new weight {@code W + s B A} in W's data type, formed in FLOAT or wider. W is left as it is: to undo a merge,
     * go back to W; subtracting the product again would not restore its bits.
     *
     * @param weight W {@code [outputs, inputs]}
     * @param down   A {@code [rank, inputs]}
     * @param up     B {@code [outputs, rank]}
     */
    public INDArray merged(INDArray weight, INDArray down, INDArray up) {
        if (!Arrays.equals(down.shape(), new long[] {rank, weight.size(1)})
                || !Arrays.equals(up.shape(), new long[] {weight.size(0), rank})) {
            throw new IllegalArgumentException("W " + Arrays.toString(weight.shape()) + ", A "
                    + Arrays.toString(down.shape()) + " and B " + Arrays.toString(up.shape())
                    + " do not fit together at rank " + rank);
        }
        DataType wide = weight.dataType() == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
        INDArray product = up.castTo(wide).mmul(down.castTo(wide)).muli(scale());
        return product.addi(weight.castTo(wide)).castTo(weight.dataType());
    }

    /** The name under which PEFT keeps a parameter in {@code adapter_model.safetensors}. */
    public static String peftName(String parameter) {
        return "base_model.model." + parameter;
    }

    /**
     * The content of PEFT's {@code adapter_config.json}.
     *
     * @param baseModel path or name of the base model
     * @param sites     module paths of the layers that the adapter is attached to
     */
    public Map<String, Object> peftConfig(String baseModel, Collection<String> sites) {
        // PEFT matches the end of a path only; a target that stands further in front is written out layer by layer.
        Set<String> modules = new LinkedHashSet<>();
        for (String target : targets) {
            List<String> named = sites.stream().filter(site -> ModelShapes.names(target, site)).toList();
            boolean atTheEnd = named.stream().allMatch(site -> ("." + site).endsWith("." + target));
            modules.addAll(atTheEnd ? List.of(target) : target.equals(ModelShapes.ALL_LINEAR)
                    ? new TreeSet<>(named.stream().map(site -> site.substring(site.lastIndexOf('.') + 1)).toList()) : named);
        }
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("peft_type", "LORA");
        config.put("task_type", "CAUSAL_LM");
        config.put("base_model_name_or_path", baseModel);
        config.put("inference_mode", true);
        config.put("r", rank);
        config.put("lora_alpha", alpha == Math.rint(alpha) ? (Object) (long) alpha : (Object) alpha);
        config.put("lora_dropout", dropout);
        config.put("target_modules", List.copyOf(modules));
        config.put("bias", "none");
        config.put("fan_in_fan_out", false);
        config.put("init_lora_weights", true);
        config.put("use_rslora", false);
        config.put("use_dora", false);
        return config;
    }
}
