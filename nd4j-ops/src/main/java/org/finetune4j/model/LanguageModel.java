package org.finetune4j.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.head.LogitScaling;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.family.Head;
import org.finetune4j.model.family.Weight;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A model of any known family: its configuration and parameters. At first nothing trains;
 * {@link #attach} or {@link #trainAll} says what does.
 *
 * <p>Not for use by several threads at once.
 */
public final class LanguageModel implements AutoCloseable {
    private final ModelConfig config;
    private final Precision precision;
    private final Kernels kernels;
    private final FrozenWeights frozenWeights;
    private final @Nullable WeightSource source;
    private final List<Weight> layout;
    private Parameters parameters;
    private @Nullable LinearAdapter adapter;
    private final Map<String, List<ParameterSpec>> adapted = new LinkedHashMap<>();
    private boolean decided;

    private LanguageModel(ModelConfig config, Precision precision, FrozenWeights frozenWeights, Kernels kernels,
                          @Nullable WeightSource source) {
        if (!kernels.supports(precision.type())) {
            throw new FinetuneException("kernels '" + kernels.name() + "' do not support precision " + precision
                    + ". Choose another precision or other kernels.");
        }
        this.layout = config.architecture().weights();
        if (frozenWeights == FrozenWeights.INT8
                && layout.stream().anyMatch(weight -> weight.role() == Weight.Role.TURNED_LINEAR)) {
            throw new FinetuneException("int8 is not built for models of type " + config.modelType() + ", whose weights are "
                    + "stored as [inputs, outputs]. Load the model without int8.");
        }
        this.config = config;
        this.precision = precision;
        this.kernels = kernels;
        this.frozenWeights = frozenWeights;
        this.source = source;
        this.parameters = read(false);
    }

    /** Parameters with the base's own values. */
    private Parameters read(boolean train) {
        if (source == null) {
            return parameters(declarations(train, (name, target) -> { }));
        }
        try (WeightSource.Reader reader = source.open()) {
            return parameters(declarations(train, reader));
        }
    }

    /**
     * Loads a Hugging Face model folder: {@code config.json} and safetensors.
     *
     * @throws FinetuneException when a file is missing or corrupt, the architecture is unknown, or a tensor is missing,
     *                           left over or of another shape
     */
    public static LanguageModel load(Path folder, Precision precision, Kernels kernels) {
        return load(folder, precision, FrozenWeights.AS_ACTIVATIONS, kernels);
    }

    /**
     * Loads a Hugging Face model folder whose linear layers are kept in a way of their own; with
     * {@link FrozenWeights#INT8} nothing but an adapter can train.
     *
     * @throws FinetuneException as {@link #load(Path, Precision, Kernels)} does
     */
    public static LanguageModel load(Path folder, Precision precision, FrozenWeights frozenWeights, Kernels kernels) {
        return load(folder, precision, frozenWeights, kernels, LoadProgress.NONE);
    }

    /**
     * Loads a Hugging Face model folder and tells how it goes on.
     *
     * @throws FinetuneException as {@link #load(Path, Precision, Kernels)} does
     */
    public static LanguageModel load(Path folder, Precision precision, FrozenWeights frozenWeights, Kernels kernels,
                                     LoadProgress progress) {
        ModelConfig config = ModelConfig.read(folder);
        requireWeights(folder, config);
        return load(folder, config, precision, frozenWeights, kernels, progress);
    }

    /** The weights of an encoder, which has no head. */
    static LanguageModel encoder(Path folder, Precision precision, Kernels kernels) {
        ModelConfig config = ModelConfig.read(folder);
        if (config.architecture().head() != null) {
            throw new FinetuneException(folder + ": a model of type " + config.modelType() + " is no encoder. Choose a model "
                    + "such as BERT or MiniLM.");
        }
        requireTensors(folder, config);
        return load(folder, config, precision, FrozenWeights.AS_ACTIVATIONS, kernels, LoadProgress.NONE);
    }

    private static LanguageModel load(Path folder, ModelConfig config, Precision precision, FrozenWeights frozenWeights,
                                      Kernels kernels, LoadProgress progress) {
        return new LanguageModel(config, precision, frozenWeights, kernels, new FolderWeights(folder, config, progress));
    }

    /**
     * A model with random weights: factors of norms are one, biases zero, all others normal with
     * {@link ModelConfig#initializerRange()}.
     *
     * @param seed the same seed gives the same weights
     */
    public static LanguageModel random(ModelConfig config, Precision precision, Kernels kernels, long seed) {
        return random(config, precision, FrozenWeights.AS_ACTIVATIONS, kernels, seed);
    }

    /** A model with random weights whose linear layers are kept in a way of their own. */
    public static LanguageModel random(ModelConfig config, Precision precision, FrozenWeights frozenWeights,
                                       Kernels kernels, long seed) {
        Set<String> zero = config.architecture().weights().stream().filter(weight -> weight.role() == Weight.Role.OFFSETS)
                .map(Weight::name).collect(Collectors.toSet());
        return new LanguageModel(config, precision, frozenWeights, kernels, WeightSource.of((name, target) -> {
            if (target.rank() == 1) {
                target.assign(zero.contains(name) ? 0 : 1);
            } else {
                draw(target, CounterRandom.seed(seed, name, 0),
                        (key, index) -> config.initializerRange() * CounterRandom.gaussian(key, index));
            }
        }));
    }

    /**
     * A model without weights, which takes no memory: engines for it tell what training would need
     * ({@link TrainingEngine#forecast}), and refuse to compute.
     */
    public static LanguageModel outline(ModelConfig config, Precision precision, FrozenWeights frozenWeights,
                                        Kernels kernels) {
        return new LanguageModel(config, precision, frozenWeights, kernels, null);
    }

    /** Whether this is an {@link #outline}. */
    public boolean isOutline() {
        return source == null;
    }

    private Parameters parameters(List<Parameters.Declaration> declarations) {
        return new Parameters(declarations, precision, kernels, isOutline());
    }

    /** The model's configuration. */
    public ModelConfig config() {
        return config;
    }

    /** What the family does to its logits, wherever they are formed. */
    public LogitScaling logitScaling() {
        Head head = config.architecture().head();
        return head == null || head.softcap() == 0 ? LogitScaling.NONE : new LogitScaling(1, head.softcap());
    }

    /** The type of activations and frozen weights. */
    public Precision precision() {
        return precision;
    }

    /** The kernels that the model runs on. */
    public Kernels kernels() {
        return kernels;
    }

    /** All parameters. Changes identity when {@link #attach} or {@link #trainAll} is called. */
    public Parameters parameters() {
        return parameters;
    }

    /** Whether an adapter is attached. */
    public boolean hasAdapter() {
        return adapter != null;
    }

    /**
     * Makes every base weight trainable.
     *
     * @throws FinetuneException when the weights are kept as bytes
     */
    public void trainAll() {
        if (frozenWeights == FrozenWeights.INT8) {
            throw new FinetuneException("the weights of this model are kept as bytes, which cannot train. "
                    + "Attach an adapter, or load the model without int8.");
        }
        decide();
        parameters.close();
        parameters = read(true);
    }

    /**
     * Adds an adapter's parameters; they train, and the base stays frozen.
     *
     * @param seed for the adapter's first values
     * @throws FinetuneException when the adapter attaches to no layer
     */
    public void attach(LinearAdapter adapter, long seed) {
        Map<String, List<ParameterSpec>> attached = new LinkedHashMap<>();
        for (Weight weight : layout) {
            if (weight.linear()) {
                List<ParameterSpec> specs = adapter.parameters(weight.site(), weight.inputs(), weight.outputs());
                if (!specs.isEmpty()) {
                    attached.put(weight.site(), specs);
                }
            }
        }
        if (attached.isEmpty()) {
            throw new FinetuneException("the adapter attaches to none of the model's linear layers, such as "
                    + layout.stream().filter(Weight::linear).map(Weight::site).limit(7).toList()
                    + ". Correct its targets.");
        }
        decide();
        this.adapter = adapter;
        adapted.putAll(attached);
        List<Parameters.Declaration> declarations = new ArrayList<>();
        for (Parameters.Declaration base : declarations(false, (name, target) -> { })) {
            declarations.add(new Parameters.Declaration(base.name(), base.shape(), false, false,
                    parameters.named(base.name()), base.values(), base.bytes()));
        }
        Set<String> turnedWeights = ModelShapes.turnedWeights(config);
        adapted.forEach((site, specs) -> {
            Parameter weight = parameters.named(site + ".weight");
            boolean turned = turnedWeights.contains(weight.name());
            specs.forEach(spec -> declarations.add(new Parameters.Declaration(spec.name(), spec.shape(), true,
                    spec.shape().length > 1, null, target -> draw(target, CounterRandom.seed(seed, spec.name(), 0),
                            spec.initializer().over(() -> turned ? numbers(weight).transpose() : numbers(weight))),
                    false)));
        });
        parameters = parameters(declarations);
    }

    /** Hugging Face names of the base weights, in the order of the model; a tied head is left out. */
    public List<String> baseNames() {
        return layout.stream().map(Weight::name).toList();
    }

    /** Base weights by name; those that are kept as bytes come as new FLOAT arrays of what the bytes stand for. */
    public Map<String, INDArray> baseTensors() {
        return tensors(baseNames());
    }

    /** The adapter's parameters by name; empty when none is attached. */
    public Map<String, INDArray> adapterTensors() {
        return tensors(adapted.values().stream().flatMap(List::stream).map(ParameterSpec::name).toList());
    }

    /** Module paths of the linear layers that the adapter is attached to, in the order of the model. */
    public Set<String> adaptedSites() {
        return Collections.unmodifiableSet(adapted.keySet());
    }

    @Nullable LinearAdapter adapter() {
        return adapter;
    }

    boolean isAdapted(String site) {
        return adapted.containsKey(site);
    }

    private Map<String, INDArray> tensors(List<String> names) {
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        names.forEach(name -> tensors.put(name, numbers(parameters.named(name))));
        return tensors;
    }

    private static INDArray numbers(Parameter parameter) {
        return parameter.scales() == null ? parameter.master()
                : new Int8Weights(parameter.master(), parameter.scales()).numbers();
    }

    private void decide() {
        if (decided) {
            throw new IllegalStateException("what trains has been decided already: attach or trainAll is called once");
        }
        decided = true;
    }

    private List<Parameters.Declaration> declarations(boolean train, WeightSource.Reader reader) {
        return layout.stream().map(weight -> new Parameters.Declaration(weight.name(), weight.shape(), train,
                train && weight.shape().length > 1, null,
                target -> reader.read(weight.name(), target),
                weight.quantizable() && frozenWeights == FrozenWeights.INT8))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    /**
     * Refuses an encoder, and weights that are not those of a model of this configuration; reads the files' headers, and
     * where the head is tied but stored as well, these two tensors.
     *
     * @throws FinetuneException when the model has no head, a file is missing or corrupt, a tensor is missing, left over or
     *                           of another shape, or a tied head differs from the embedding
     */
    public static void requireWeights(Path folder, ModelConfig config) {
        if (config.architecture().head() == null) {
            throw new FinetuneException(folder + ": a model of type " + config.modelType() + " is an encoder, which has no "
                    + "head to train or to generate with. Load it with EncoderModel or SentenceEncoder, or choose a model "
                    + "that continues texts.");
        }
        requireTensors(folder, config);
    }

    private static void requireTensors(Path folder, ModelConfig config) {
        try (StoredWeights weights = StoredWeights.open(folder)) {
            StoredNames.in(weights, config).require(folder);
        }
    }

    private static void draw(INDArray target, long seed, ParameterSpec.Initializer initializer) {
        NativeFill.fill(target, index -> initializer.value(seed, index));
    }

    @Override
    public void close() {
        parameters.close();
    }
}
