package org.finetune4j.model;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.Profile;
import org.finetune4j.graph.Recomputation;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.graph.ScheduleRewrite;
import org.finetune4j.head.ChunkedHead;
import org.finetune4j.head.HeadLoss;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.op.Attention;
import org.finetune4j.op.Dropout;
import org.finetune4j.op.GatherRows;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Loss and gradient of a model under a token loss: one graph, forward and reverse, towards the parameters that train.
 *
 * <p>Where the token loss needs a reference, that is the model with its adapter off; in full fine-tuning it is a frozen
 * copy of the weights as they are when the engine is made.
 */
public final class TrainingEngine implements AutoCloseable {
    private static final String ROWS = "supervised_rows";
    private static final String LABELS = "labels";
    private static final String WEIGHTS = "weights";
    private static final String SEED = "loss_seed";

    private final LanguageModel model;
    private final ChunkedHead head;
    private final Arena arena = new Arena();
    private final Map<String, INDArray> parameterArrays;
    private final Map<String, INDArray> gradients = new HashMap<>();
    private final Map<String, INDArray> referenceCopies;
    private final GraphSession forward;
    private final @Nullable GraphSession training;
    private final String loss;
    private final String values;
    private final INDArray seed;

    /** Builds the graph for what trains in {@code model} now; with nothing to train only {@link #evaluate} works. */
    public TrainingEngine(LanguageModel model, TokenLoss tokenLoss) {
        this(model, tokenLoss, true);
    }

    /**
     * Builds the graph.
     *
     * @param adapterOn whether the policy's forward pass uses the adapter; without it nothing trains
     */
    public TrainingEngine(LanguageModel model, TokenLoss tokenLoss, boolean adapterOn) {
        this(model, tokenLoss, adapterOn, EngineOptions.DEFAULT);
    }

    /**
     * Builds the graph.
     *
     * @param adapterOn whether the policy's forward pass uses the adapter; without it nothing trains
     * @param options   how it is computed
     */
    public TrainingEngine(LanguageModel model, TokenLoss tokenLoss, boolean adapterOn, EngineOptions options) {
        this(model, tokenLoss, adapterOn, options, ChunkedHead.rowsFor(model.config().vocabularySize()));
    }

    TrainingEngine(LanguageModel model, TokenLoss tokenLoss, boolean adapterOn, EngineOptions options,
                   int rowsPerChunk) {
        this.model = model;
        DataType lossType = model.precision().masterType();
        head = new ChunkedHead(tokenLoss, lossType, model.precision().type(), rowsPerChunk, model.logitScaling(),
                model.kernels());
        ModelGraph graph = new ModelGraph(model, options);
        SDVariable offsets = graph.integers(ModelGraph.OFFSETS);
        SDVariable positions = graph.integers(ModelGraph.POSITIONS);
        Trunk.Mixer mixer = (layer, query, key, value, shape, rotary) -> rotary == null
                ? Attention.of(query, key, value, offsets, shape)
                : Attention.of(query, key, value, offsets, positions, rotary, shape);
        SDVariable rows = graph.integers(ROWS);
        Trunk policy = graph.trunk(mixer, adapterOn);
        SDVariable hidden = supervised(graph, policy, rows);
        SDVariable referenceHidden = null;
        SDVariable referenceHead = null;
        // Where the base does not train it is the reference itself.
        boolean baseTrains = !model.hasAdapter() && !model.parameters().trainable().isEmpty();
        referenceCopies = tokenLoss.needsReference() && baseTrains ? frozenCopies() : Map.of();
        if (tokenLoss.needsReference()) {
            Trunk reference = baseTrains ? graph.frozenTrunk(mixer, referenceCopies) : graph.trunk(mixer, false);
            referenceHidden = supervised(graph, reference, rows);
            referenceHead = reference.headWeight();
        }
        HeadLoss headLoss = HeadLoss.of(hidden, policy.headWeight(), graph.integers(LABELS),
                graph.input(WEIGHTS, lossType), referenceHidden, referenceHead, head);
        loss = headLoss.loss().name();
        values = headLoss.values().name();
        forward = new GraphSession(graph.graph(), model.kernels(), arena, List.of(loss, values), Map.of(), Map.of(),
                options.productFusion());
        parameterArrays = graph.parameterArrays();
        List<Parameter> trainable = adapterOn ? model.parameters().trainable() : List.of();
        trainable.forEach(parameter -> gradients.put(parameter.name(), model.parameters().gradient(parameter)));
        seed = Nd4j.ones(lossType, 1);
        training = trainable.isEmpty() ? null : trainingSession(graph, headLoss, lossType,
                // Fused first, so that what is computed again is fused as it was the first time and gives the same bits.
                options.productFusion().then(new Recomputation(policy.boundaries(), options.cheapRecomputed(),
                        Math.min(options.recomputedBlocks(), model.config().layers()))));
    }

    private GraphSession trainingSession(ModelGraph graph, HeadLoss headLoss, DataType lossType,
                                         ScheduleRewrite rewrite) {
        Map<String, List<String>> contributions = ReversePass.build(graph.graph(), headLoss.loss(),
                graph.input(SEED, lossType), gradients.keySet());
        List<SDVariable> replacements = headLoss.replacements();
        return new GraphSession(graph.graph(), model.kernels(), arena, List.of(loss, values), contributions,
                Map.of(loss, replacements.get(0).name(), values, replacements.get(1).name()), rewrite);
    }

    private static SDVariable supervised(ModelGraph graph, Trunk trunk, SDVariable rows) {
        return GatherRows.of(graph.hidden(trunk), rows);
    }

    private Map<String, INDArray> frozenCopies() {
        Map<String, INDArray> copies = new HashMap<>();
        model.baseNames().forEach(name -> {
            INDArray value = model.parameters().named(name).value();
            copies.put(name, model.isOutline() ? value : value.dup('c'));
        });
        return copies;
    }

    /** Sets the gradients of all that trains to zero. */
    public void zeroGradients() {
        model.parameters().flatGradient().assign(0);
    }

    /**
     * Adds the gradient of the batch's weighted loss to {@link Parameters#flatGradient()}.
     *
     * @param dropoutSeed for this pass's dropout masks, not negative; a negative one turns dropout off
     * @throws IllegalArgumentException when the batch has no supervised token
     */
    public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
        if (training == null) {
            throw new IllegalStateException("nothing trains: attach an adapter or call trainAll before making the engine");
        }
        return run(training, batch, dropoutSeed);
    }

    /** Loss and token values of a batch, without gradient and dropout. */
    public TokenValues evaluate(PackedBatch batch) {
        return run(forward, batch, -1);
    }

    private TokenValues run(GraphSession session, PackedBatch batch, long dropoutSeed) {
        if (model.isOutline()) {
            throw new IllegalStateException("an outline has no weights to compute with");
        }
        Map<String, INDArray> outputs = session.run(inputs(batch, dropoutSeed), gradients);
        INDArray table = outputs.get(values);
        Map<String, float[]> byName = new LinkedHashMap<>();
        for (int i = 0; i < head.valueNames().size(); i++) {
            byName.put(head.valueNames().get(i), table.getRow(i).toFloatVector());
        }
        return new TokenValues(outputs.get(loss).getDouble(0), byName);
    }

    private Map<String, INDArray> inputs(PackedBatch batch, long dropoutSeed) {
        if (batch.supervised() == 0) {
            throw new IllegalArgumentException("the batch has no supervised token");
        }
        Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
        inputs.put(ModelGraph.IDS, Nd4j.createFromArray(batch.ids()));
        inputs.put(ModelGraph.POSITIONS, Nd4j.createFromArray(batch.positions()));
        inputs.put(ModelGraph.OFFSETS, Nd4j.createFromArray(batch.offsets()));
        inputs.put(ModelGraph.DROPOUT_SEED, Nd4j.createFromArray(Dropout.seed(dropoutSeed)));
        inputs.put(ROWS, Nd4j.createFromArray(batch.supervisedRows()));
        inputs.put(LABELS, Nd4j.createFromArray(batch.labels()));
        inputs.put(WEIGHTS, Nd4j.createFromArray(batch.weights()).castTo(model.precision().masterType()));
        inputs.put(SEED, seed);
        return inputs;
    }

    /** Operations of a training pass in order, each with the variables it reads. */
    public List<String> trainingOperations() {
        return training == null ? List.of() : training.describe();
    }

    /** Bytes of intermediate arrays and of one head chunk as they are held now. */
    public long arenaBytes() {
        return arena.bytes() + head.bytes();
    }

    /** Bytes of one head chunk as they are held now. */
    long headBytes() {
        return head.bytes();
    }

    /**
     * What passes over batches of a size need; nothing is computed, so that the model may be an outline.
     *
     * @param tokens     tokens of a batch
     * @param supervised supervised tokens among them
     * @param sequences  sequences of equal length, which tell the operations of attention
     */
    public EngineForecast forecast(int tokens, int supervised, int sequences) {
        Map<String, INDArray> inputs = inputs(sized(tokens, supervised, sequences), -1);
        GraphSession larger = training == null ? forward : training;
        GraphSession.Work work = larger.work(inputs);
        return new EngineForecast(Math.max(forward.arenaBytes(shapes(inputs)),
                larger.arenaBytes(shapes(inputs))),
                head.mostBytes(supervised, model.config().hiddenSize(), model.config().vocabularySize(),
                        model.precision().type()),
                referenceCopies.values().stream().mapToLong(copy -> copy.length() * copy.dataType().width()).sum(),
                work.products(), work.movedBytes());
    }

    private static Map<String, long[]> shapes(Map<String, INDArray> inputs) {
        Map<String, long[]> shapes = new HashMap<>();
        inputs.forEach((name, array) -> shapes.put(name, array.shape()));
        return shapes;
    }

    /** A batch of this size with arbitrary content. */
    private static PackedBatch sized(int tokens, int supervised, int sequences) {
        int[] offsets = IntStream.rangeClosed(0, sequences).map(s -> (int) ((long) tokens * s / sequences)).toArray();
        return new PackedBatch(new int[tokens], new int[tokens], offsets, IntStream.range(0, supervised).toArray(),
                new int[supervised], new float[supervised]);
    }

    /** Times every operation from now on; null stops that. */
    public void profile(@Nullable Profile profile) {
        forward.profile(profile);
        if (training != null) {
            training.profile(profile);
        }
    }

    @Override
    public void close() {
        head.close();
        arena.close();
        if (!model.isOutline()) {
            referenceCopies.values().forEach(INDArray::close);
        }
    }
}
