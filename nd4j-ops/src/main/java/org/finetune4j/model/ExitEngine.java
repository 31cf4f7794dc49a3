package org.finetune4j.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.Memory;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.op.Dropout;
import org.finetune4j.op.GatherRows;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Forward passes of one text that stop behind one of several blocks, the exits, and go on later from there.
 *
 * <p>Each part of the model, from one exit to the next, has keys and values of the tokens that it has seen so far, and the part
 * before it keeps the states of those that it has not. So a token that was read up to an exit only is read further when a
 * later token needs the deeper blocks, together with all others that wait there. What comes out is what one pass over all
 * tokens gives, but for rounding.
 */
public final class ExitEngine implements CachedEngine {
    private static final String STATES = "states";
    private static final String LAST_ROWS = "last_rows";

    private final LanguageModel model;
    private final int tokensPerPass;
    private final Arena arena = new Arena();
    private final List<Part> parts = new ArrayList<>();
    private int[] tokens = new int[0];
    private int fed;

    /**
     * Builds the graphs of the parts.
     *
     * @param adapterOn     whether the model's adapter is on
     * @param exits         behind how many blocks final norm and head can stand, ascending within [1, the model's]
     * @param tokensPerPass most tokens of one pass, at least 1
     * @throws FinetuneException when the exits are others, or the model turns its tokens by the length of their text, so that
     *                           keys of shorter texts do not fit longer ones
     */
    public ExitEngine(LanguageModel model, boolean adapterOn, EngineOptions options, List<Integer> exits, int tokensPerPass) {
        int blocks = model.config().layers();
        for (int i = 0; i < exits.size(); i++) {
            if (exits.get(i) <= (i == 0 ? 0 : exits.get(i - 1)) || exits.get(i) > blocks) {
                throw new FinetuneException("the exits " + exits + " must ascend within [1, " + blocks
                        + "], the model's blocks; " + exits.get(i) + " does not.");
            }
        }
        if (!model.config().architecture().scalingsByLength().isEmpty()) {
            throw new FinetuneException("this model's rotary positions depend on the length of a text, so that no token can be "
                    + "read further once the text has grown. Generate with the whole model, or with exitAt.");
        }
        this.model = model;
        this.tokensPerPass = tokensPerPass;
        for (int i = 0; i < exits.size(); i++) {
            parts.add(new Part(i == 0 ? 0 : exits.get(i - 1), exits.get(i), i == exits.size() - 1, adapterOn, options));
        }
    }

    /** Blocks from one exit to the next, and what they have seen of the text. */
    private final class Part implements AutoCloseable {
        private final boolean first;
        private final Map<String, INDArray> parameterArrays;
        private final Map<String, Integer> cacheWidths;
        private final Map<String, INDArray> caches = new HashMap<>();
        private final GraphSession further;
        private final GraphSession out;
        private final String behind;
        private final String logits;
        private final @Nullable Integer keptWidth;
        /** States behind this part, a row for each place. */
        private @Nullable INDArray kept;
        private int seen;

        Part(int from, int to, boolean last, boolean adapterOn, EngineOptions options) {
            first = from == 0;
            ModelGraph graph = new ModelGraph(model, options, to);
            CachedMixer mixer = new CachedMixer(graph, model.precision().type());
            Trunk trunk = graph.trunk(mixer, adapterOn);
            SDVariable positions = graph.integers(ModelGraph.POSITIONS);
            SDVariable states = trunk.through(first ? trunk.embedded(graph.integers(ModelGraph.IDS), positions, null)
                    : graph.input(STATES, model.precision().type()), positions, from, to);
            SDVariable asked = trunk.normed(GatherRows.of(states, graph.integers(LAST_ROWS)));
            behind = states.name();
            logits = model.logitScaling().logits(asked, trunk.headWeight(), model.precision().masterType()).name();
            cacheWidths = mixer.widths();
            parameterArrays = new HashMap<>(graph.parameterArrays());
            // An adapter that is trained with dropout answers without.
            parameterArrays.put(ModelGraph.DROPOUT_SEED, Nd4j.createFromArray(Dropout.seed(-1)));
            further = session(graph, options, List.of(behind));
            out = session(graph, options, last ? List.of(logits) : List.of(behind, logits));
            keptWidth = last ? null : model.config().hiddenSize();
        }

        private GraphSession session(ModelGraph graph, EngineOptions options, List<String> outputs) {
            return new GraphSession(graph.graph(), model.kernels(), arena, outputs, Map.of(), Map.of(),
                    options.productFusion());
        }

        long bytesPerPlace() {
            return (cacheWidths.values().stream().mapToLong(Integer::longValue).sum() + (keptWidth == null ? 0 : keptWidth))
                    * model.precision().type().width();
        }

        void begin(int places) {
            seen = 0;
            if (places == tokens.length) {
                return;
            }
            closeCaches();
            cacheWidths.forEach((name, width) -> caches.put(name,
                    Nd4j.createUninitialized(model.precision().type(), 1, places, width)));
            if (keptWidth != null) {
                kept = Nd4j.createUninitialized(model.precision().type(), places, keptWidth);
            }
        }

        /** Reads the next tokens; the logits of the last {@code rows} of them, or null where there are none. */
        @Nullable INDArray read(@Nullable INDArray states, int count, int rows) {
            Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
            inputs.putAll(caches);
            if (first) {
                inputs.put(ModelGraph.IDS, Nd4j.createFromArray(Arrays.copyOfRange(tokens, seen, seen + count)));
            } else if (states != null) {
                inputs.put(STATES, rows(states, seen, count));
            }
            inputs.put(ModelGraph.POSITIONS, Nd4j.createFromArray(IntStream.range(seen, seen + count).toArray()));
            inputs.put(ModelGraph.OFFSETS, Nd4j.createFromArray(0, count));
            inputs.put(CachedMixer.LENGTHS, Nd4j.createFromArray(new int[] {seen}));
            if (rows > 0) {
                inputs.put(LAST_ROWS, Nd4j.createFromArray(IntStream.range(count - rows, count).toArray()));
            }
            Map<String, INDArray> found = (rows > 0 ? out : further).run(inputs, Map.of());
            if (kept != null) {
                INDArray fresh = found.get(behind);
                Memory.copy(Memory.address(fresh), Memory.address(kept) + seen * rowBytes(kept), count * rowBytes(kept));
            }
            seen += count;
            return rows > 0 ? found.get(logits) : null;
        }

        private void closeCaches() {
            caches.values().forEach(INDArray::close);
            caches.clear();
            if (kept != null) {
                kept.close();
                kept = null;
            }
        }

        @Override
        public void close() {
            closeCaches();
        }
    }

    private static long rowBytes(INDArray states) {
        return states.size(1) * states.dataType().width();
    }

    private static INDArray rows(INDArray states, int from, int count) {
        return Arena.arrayAt(Memory.address(states) + from * rowBytes(states), states.dataType(),
                new long[] {count, states.size(1)});
    }

    /** Number of exits. */
    public int exits() {
        return parts.size();
    }

    /** Starts a text of at most so many tokens, prompt and continuation together. */
    public void begin(int places) {
        parts.forEach(part -> part.begin(places));
        tokens = places == tokens.length ? tokens : new int[places];
        fed = 0;
    }

    /** Adds tokens to the text, which are read when something is asked for. */
    public void feed(int... more) {
        if (fed + more.length > tokens.length) {
            throw new IllegalArgumentException("the text outgrows its " + tokens.length + " places");
        }
        System.arraycopy(more, 0, tokens, fed, more.length);
        fed += more.length;
    }

    /** Forgets all tokens but the first so many. */
    public void cut(int length) {
        fed = Math.min(fed, length);
        parts.forEach(part -> part.seen = Math.min(part.seen, length));
    }

    /**
     * Reads up to an exit what has not been read so far yet.
     *
     * @param exit number of the exit, from 0
     * @param rows how many logits are asked for, in [1, tokens that were not read up to this exit]
     * @return the logits {@code [rows, vocabulary]} behind that exit after each of the last tokens; valid until the next call
     */
    public INDArray logits(int exit, int rows) {
        for (int p = 0; p < exit; p++) {
            advance(p, 0);
        }
        INDArray found = advance(exit, rows);
        if (found == null) {
            throw new IllegalArgumentException("no token waits before exit " + exit);
        }
        return found;
    }

    private @Nullable INDArray advance(int index, int rows) {
        Part part = parts.get(index);
        int end = index == 0 ? fed : parts.get(index - 1).seen;
        if (rows > end - part.seen) {
            throw new IllegalArgumentException(rows + " logits asked for of " + (end - part.seen) + " tokens");
        }
        INDArray states = index == 0 ? null : parts.get(index - 1).kept;
        INDArray found = null;
        while (part.seen < end) {
            int left = end - part.seen;
            boolean lastPass = left <= Math.max(tokensPerPass, rows);
            // What is asked for comes out of the last pass.
            found = lastPass ? part.read(states, left, rows) : part.read(states, Math.min(tokensPerPass, left - rows), 0);
        }
        return found;
    }

    @Override
    public long bytesPerPlace() {
        return parts.stream().mapToLong(Part::bytesPerPlace).sum();
    }

    @Override
    public long cacheBytes() {
        return tokens.length * bytesPerPlace();
    }

    @Override
    public long arenaBytes() {
        return arena.bytes();
    }

    @Override
    public HeldWeights holdWeights() {
        Map<String, INDArray> all = new HashMap<>();
        parts.forEach(part -> all.putAll(part.parameterArrays));
        return DecodingEngine.hold(model, all);
    }

    @Override
    public void close() {
        parts.forEach(Part::close);
        arena.close();
    }
}
