package org.finetune4j.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
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
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.HeldWeights;
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
 * copy of the weights as they are when the engine is made. A reference that lags ({@link TokenLoss#lag()}) is a copy of
 * what trains, {@link #follower()}. A teacher is a reference of its own, of any family but with the same vocabulary.
 */
public final class TrainingEngine implements AutoCloseable {
    private static final String ROWS = "supervised_rows";
    private static final String LABELS = "labels";
    private static final String WEIGHTS = "weights";
    private static final String SEED = "loss_seed";

    private final LanguageModel model;
    private final @Nullable LanguageModel teacher;
    private final ChunkedHead head;
    private final Arena arena = new Arena();
    private final Map<String, INDArray> parameterArrays;
    private final Map<String, INDArray> gradients = new HashMap<>();
    private final boolean collects;
    private final Map<String, INDArray> referenceCopies;
    private final GraphSession forward;
    private final @Nullable GraphSession training;
    private final List<Integer> exits;
    private final double exitShare;
    private final List<String> outputs;
    private final INDArray seed;
    private final double draftShare;
    private final TokenLoss.@Nullable MaskedInput masked;
    private final boolean lags;
    private final @Nullable LaggedWeights follower;
    private final long copyBytes;
    private @Nullable HeldWeights copies;

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

    /**
     * Builds the graph with another model as the reference.
     *
     * @param teacher whose logits are the reference's, with the vocabulary and the precision of {@code model}; it stays open,
     *                and nothing of it trains or lags. Null for a reference made of the model itself
     * @throws FinetuneException when its vocabulary or precision differs
     */
    public static TrainingEngine taught(LanguageModel model, TokenLoss tokenLoss, @Nullable LanguageModel teacher,
                                        EngineOptions options) {
        return new TrainingEngine(model, tokenLoss, true, options,
                ChunkedHead.rowsFor(model.config().vocabularySize()), true, null, teacher);
    }

    /** An engine that only {@link #evaluate evaluates} the policy, whatever trains in it. */
    public static TrainingEngine forwardOnly(LanguageModel model, TokenLoss tokenLoss, EngineOptions options) {
        return new TrainingEngine(model, tokenLoss, true, options,
                ChunkedHead.rowsFor(model.config().vocabularySize()), false, null, null);
    }

    /**
     * An engine of passes that are steered, whose gradients are those towards the steering's vectors and go to
     * {@link Steering#gradient()}; nothing else trains.
     */
    public static TrainingEngine steered(LanguageModel model, TokenLoss tokenLoss, Steering steering, EngineOptions options) {
        return new TrainingEngine(model, tokenLoss, true, options,
                ChunkedHead.rowsFor(model.config().vocabularySize()), false, steering, null);
    }

    TrainingEngine(LanguageModel model, TokenLoss tokenLoss, boolean adapterOn, EngineOptions options,
                   int rowsPerChunk) {
        this(model, tokenLoss, adapterOn, options, rowsPerChunk, true, null, null);
    }

    private TrainingEngine(LanguageModel model, TokenLoss tokenLoss, boolean adapterOn, EngineOptions options,
                           int rowsPerChunk, boolean trains, @Nullable Steering steering,
                           @Nullable LanguageModel teacher) {
        this.model = model;
        this.teacher = tokenLoss.needsReference() ? teacher : null;
        requireSameVocabulary();
        this.draftShare = tokenLoss.draftShare();
        copyBytes = options.copyBytes();
        masked = tokenLoss.needsReference() ? tokenLoss.maskedInput() : null;
        DataType lossType = model.precision().masterType();
        head = new ChunkedHead(tokenLoss, lossType, model.precision().type(), rowsPerChunk, model.logitScaling(),
                this.teacher == null ? model.logitScaling() : this.teacher.logitScaling(), model.kernels());
        ModelGraph graph = new ModelGraph(model, options);
        Trunk.Mixer mixer = graph.packedAttention();
        SDVariable rows = graph.integers(ROWS);
        Trunk policy = graph.trunk(mixer, adapterOn, steering);
        SDVariable hidden = graph.hidden(policy, draftShare > 0, rows);
        SDVariable referenceHidden = null;
        SDVariable referenceHead = null;
        // Where the base does not train it is the reference itself.
        boolean baseTrains = !model.hasAdapter() && !model.parameters().trainable().isEmpty();
        lags = tokenLoss.needsReference() && this.teacher == null && tokenLoss.lag() != null;
        follower = lags && !model.isOutline() ? new LaggedWeights(model) : null;
        if (!tokenLoss.needsReference() || this.teacher != null) {
            referenceCopies = Map.of();
        } else if (lags) {
            referenceCopies = follower == null ? copies(trainableNames()) : follower.copies();
        } else {
            referenceCopies = baseTrains ? copies(model.baseNames()) : Map.of();
        }
        if (tokenLoss.needsReference()) {
            ModelGraph own = this.teacher == null ? graph : graph.beside(this.teacher, "teacher");
            Trunk reference = own.trunk(mixer, lags, referenceCopies);
            referenceHidden = masked == null ? own.hidden(reference, rows) : own.hiddenOfReferenceIds(reference, rows);
            referenceHead = reference.headWeight();
        }
        exits = exits(tokenLoss.exits(model.config().layers()));
        exitShare = tokenLoss.addsExits() ? 1 : 1.0 / exits.size();
        List<HeadLoss> losses = new ArrayList<>();
        for (int exit : exits) {
            SDVariable states = exit == model.config().layers() ? hidden : GatherRows.of(policy.exit(exit), rows);
            losses.add(HeadLoss.of(states, policy.headWeight(), graph.integers(LABELS), graph.input(WEIGHTS, lossType),
                    referenceHidden, referenceHead, head));
        }
        outputs = losses.stream().flatMap(one -> Stream.of(one.loss().name(), one.values().name())).toList();
        forward = new GraphSession(graph.graph(), model.kernels(), arena, outputs, Map.of(), Map.of(),
                options.productFusion());
        parameterArrays = graph.parameterArrays();
        List<Parameter> trainable = adapterOn && trains ? model.parameters().trainable() : List.of();
        collects = !trainable.isEmpty();
        trainable.forEach(parameter -> gradients.put(parameter.name(), model.parameters().gradient(parameter)));
        if (steering != null) {
            gradients.putAll(steering.gradients());
        }
        seed = Nd4j.valueArrayOf(new long[] {1}, exitShare, lossType);
        training = gradients.isEmpty() ? null : trainingSession(graph, losses, lossType,
                // Fused first, so that what is computed again is fused as it was the first time and gives the same bits.
                options.productFusion().then(new Recomputation(policy.boundaries(), options.cheapRecomputed(),
                        Math.min(options.recomputedBlocks(), model.config().layers()))));
    }

    private void requireSameVocabulary() {
        if (teacher != null && (teacher.config().vocabularySize() != model.config().vocabularySize()
                || teacher.precision() != model.precision())) {
            throw new FinetuneException("the teacher has " + teacher.config().vocabularySize() + " tokens in "
                    + teacher.precision() + ", the policy " + model.config().vocabularySize() + " in " + model.precision()
                    + ", so that their logits cannot be compared. Choose a teacher with the vocabulary of the policy, and load "
                    + "it in the same precision.");
        }
    }

    /** The blocks behind which a head stands, in order; the last block is always among them. */
    private List<Integer> exits(List<Integer> asked) {
        int layers = model.config().layers();
        for (int i = 0; i < asked.size(); i++) {
            int exit = asked.get(i);
            if (exit < 1 || exit > layers || i > 0 && exit <= asked.get(i - 1)) {
                throw new FinetuneException("exits " + asked + " must ascend within 1.." + layers + ", the model's blocks; "
                        + exit + " does not.");
            }
        }
        if (!asked.isEmpty() && asked.get(asked.size() - 1) != layers) {
            throw new FinetuneException("exits " + asked + " leave out " + layers + ", the model's last block, so that the "
                    + "whole model would not be trained. Add it.");
        }
        return asked.isEmpty() ? List.of(layers) : List.copyOf(asked);
    }

    private GraphSession trainingSession(ModelGraph graph, List<HeadLoss> losses, DataType lossType,
                                         ScheduleRewrite rewrite) {
        Map<String, List<String>> contributions = ReversePass.build(graph.graph(),
                losses.stream().map(HeadLoss::loss).toList(), graph.input(SEED, lossType), gradients.keySet());
        Map<String, String> replacements = new HashMap<>();
        for (HeadLoss one : losses) {
            replacements.put(one.loss().name(), one.replacements().get(0).name());
            replacements.put(one.values().name(), one.replacements().get(1).name());
        }
        return new GraphSession(graph.graph(), model.kernels(), arena, outputs, contributions, replacements, rewrite);
    }

    private List<String> trainableNames() {
        return model.parameters().trainable().stream().map(Parameter::name).toList();
    }

    private Map<String, INDArray> copies(Collection<String> names) {
        Map<String, INDArray> copies = new HashMap<>();
        names.forEach(name -> {
            INDArray value = model.parameters().named(name).value();
            copies.put(name, model.isOutline() ? value : value.dup('c'));
        });
        return copies;
    }

    /** The reference that follows the policy, or null where there is none. */
    public @Nullable LaggedWeights follower() {
        return follower;
    }

    /** Sets the gradients of all that trains to zero. */
    public void zeroGradients() {
        model.parameters().clearGradients();
    }

    /**
     * Adds the gradient of the batch's weighted loss to {@link Parameters#flatGradient()}, or where passes are steered to
     * {@link Steering#gradient()}.
     *
     * @param dropoutSeed for this pass's dropout masks, not negative; a negative one turns dropout off
     * @throws IllegalArgumentException when the batch has no supervised token
     */
    public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
        if (training == null) {
            throw new IllegalStateException("nothing trains: attach an adapter or call trainAll before making the engine");
        }
        if (copies == null) {
            copies = copiesForGradients(training);
        }
        return run(training, batch, dropoutSeed);
    }

    /** Copies of frozen weights that gradients pass, as many as may be kept; last those of the last block, which fewer rows pass. */
    private HeldWeights copiesForGradients(GraphSession session) {
        List<INDArray> chosen = new ArrayList<>();
        long left = copyBytes;
        List<INDArray> factors = new ArrayList<>(frozenFactors(session));
        Collections.reverse(factors);
        for (INDArray weight : factors) {
            long bytes = bytesOfCopy(weight);
            if (bytes > 0 && bytes <= left) {
                chosen.add(weight);
                left -= bytes;
            }
        }
        try {
            return model.kernels().holdForGradients(chosen);
        } catch (OutOfMemoryError none) {
            return HeldWeights.NONE;
        }
    }

    private List<INDArray> frozenFactors(GraphSession session) {
        Set<String> changing = new HashSet<>(trainableNames());
        return session.rightFactors().stream().filter(name -> !changing.contains(name)).map(parameterArrays::get)
                .filter(Objects::nonNull).toList();
    }

    private long bytesOfCopy(INDArray weight) {
        return model.kernels().heldForGradientsBytes(weight.dataType(), weight.size(0), weight.size(1));
    }

    /** Loss and token values of a batch, without gradient and dropout. */
    public TokenValues evaluate(PackedBatch batch) {
        return run(forward, batch, -1);
    }

    private TokenValues run(GraphSession session, PackedBatch batch, long dropoutSeed) {
        if (model.isOutline()) {
            throw new IllegalStateException("an outline has no weights to compute with");
        }
        if (masked != null && (masked.token() < 0 || masked.token() >= model.config().vocabularySize())) {
            throw new IllegalStateException("the mask of the reference's input is " + masked.token() + ", which is no token");
        }
        head.begin(batch.extras(), batch.sequencesOfRows(), batch.positionsOfLabels());
        Map<String, INDArray> inputs = inputs(batch, dropoutSeed);
        Map<String, INDArray> found = session.run(inputs, gradients,
                session == training && collects && model.parameters().takeCleared());
        Map<String, float[]> byName = new LinkedHashMap<>();
        double total = 0;
        for (int e = 0; e < exits.size(); e++) {
            total += found.get(outputs.get(2 * e)).getDouble(0) * exitShare;
            INDArray table = found.get(outputs.get(2 * e + 1));
            String prefix = e == exits.size() - 1 ? "" : "exit" + exits.get(e) + ".";
            for (int i = 0; i < head.valueNames().size(); i++) {
                byName.put(prefix + head.valueNames().get(i), table.getRow(i).toFloatVector());
            }
        }
        return new TokenValues(total, byName, head.sampleLosses().values());
    }

    private Map<String, INDArray> inputs(PackedBatch batch, long dropoutSeed) {
        if (batch.supervised() == 0) {
            throw new IllegalArgumentException("the batch has no supervised token");
        }
        Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
        ModelGraph.putTokens(inputs, batch, dropoutSeed);
        if (draftShare > 0) {
            int[] drafts = batch.extras().drafts();
            inputs.put(ModelGraph.DRAFTS, Nd4j.createFromArray(drafts == null ? batch.ids() : drafts));
            Double own = batch.extras().draftShare();
            inputs.put(ModelGraph.DRAFT_SHARE, Nd4j.valueArrayOf(new long[] {1}, own == null ? draftShare : own,
                    model.precision().masterType()));
        }
        if (masked != null) {
            inputs.put(ModelGraph.REFERENCE_IDS, Nd4j.createFromArray(masked(batch, Math.max(0, dropoutSeed))));
        }
        inputs.put(ROWS, Nd4j.createFromArray(batch.supervisedRows()));
        inputs.put(LABELS, Nd4j.createFromArray(batch.labels()));
        inputs.put(WEIGHTS, Nd4j.createFromArray(batch.weights()).castTo(model.precision().masterType()));
        inputs.put(SEED, seed);
        return inputs;
    }

    /** The batch's tokens as the reference reads them. */
    private int[] masked(PackedBatch batch, long passSeed) {
        TokenLoss.MaskedInput mask = Objects.requireNonNull(masked);
        long draws = CounterRandom.seed(passSeed, "masked reference", 0);
        int[] ids = batch.ids().clone();
        for (int i = 0; i < ids.length; i++) {
            if (batch.positions()[i] > 0 && CounterRandom.uniform(draws, i) < mask.share()) {
                ids[i] = mask.token();
            }
        }
        return ids;
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

    /** Bytes of copies of frozen weights as they are held now. */
    long heldBytes() {
        return copies == null ? 0 : copies.bytes();
    }

    /**
     * What passes over batches of a size need; nothing is computed, so that the model may be an outline.
     *
     * @param tokens     tokens of a batch
     * @param supervised supervised tokens among them
     * @param sequences  sequences of equal length, which tell the operations of attention
     */
    public EngineForecast forecast(int tokens, int supervised, int sequences) {
        Map<String, INDArray> inputs = inputs(PackedBatch.sized(tokens, supervised, sequences), -1);
        GraphSession larger = training == null ? forward : training;
        GraphSession.Work work = larger.work(inputs);
        return new EngineForecast(Math.max(forward.arenaBytes(shapes(inputs)),
                larger.arenaBytes(shapes(inputs))),
                head.mostBytes(supervised, model.config().hiddenSize(),
                        (teacher == null ? model : teacher).config().hiddenSize(), model.config().vocabularySize(),
                        model.precision().type()),
                referenceBytes(),
                training == null ? 0 : frozenFactors(training).stream().mapToLong(this::bytesOfCopy).sum(),
                work.products(), work.movedBytes());
    }

    /** A reference that lags has masters beside its values, and room to move them; a teacher has weights of its own. */
    private long referenceBytes() {
        if (teacher != null) {
            return teacher.parameters().bytes();
        }
        long copies = referenceCopies.values().stream().mapToLong(copy -> copy.length() * copy.dataType().width()).sum();
        return lags ? LaggedWeights.bytes(model, copies) : copies;
    }

    static Map<String, long[]> shapes(Map<String, INDArray> inputs) {
        Map<String, long[]> shapes = new HashMap<>();
        inputs.forEach((name, array) -> shapes.put(name, array.shape()));
        return shapes;
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
        if (copies != null) {
            copies.close();
        }
        head.close();
        arena.close();
        if (follower != null) {
            follower.close();
        } else if (!model.isOutline()) {
            referenceCopies.values().forEach(INDArray::close);
        }
    }
}
