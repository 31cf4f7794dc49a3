package org.finetune4j.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.Memory;
import org.finetune4j.graph.Profile;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.model.family.Architecture;
import org.finetune4j.model.family.Weight;
import org.finetune4j.op.Dropout;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Forward passes over new tokens only, with the keys and values of earlier ones kept in a cache. */
public final class DecodingEngine implements CachedEngine {
    /** Says that a slot takes over no text. */
    public static final int EMPTY = -1;
    private static final String LAST_ROWS = "last_rows";
    /** Matrices with fewer rows or columns, as adapters have, take no time to read. */
    private static final int LEAST_HELD = 64;

    private final LanguageModel model;
    private final Arena arena = new Arena();
    private final Map<String, INDArray> parameterArrays;
    private final GraphSession session;
    private final String logits;
    private final Map<String, INDArray> caches = new HashMap<>();
    /** Width of the keys or values of one token, by the name of their cache. */
    private final Map<String, Integer> cacheWidths;
    private final LengthRegimes regimes;
    private @Nullable INDArray gathered;
    private int[] lengths = new int[0];
    private int capacity;

    /** Builds the graph, with the model's adapter on or off. */
    public DecodingEngine(LanguageModel model, boolean adapterOn) {
        this(model, adapterOn, EngineOptions.DEFAULT);
    }

    /** Builds the graph, with the model's adapter on or off. */
    public DecodingEngine(LanguageModel model, boolean adapterOn, EngineOptions options) {
        this(model, adapterOn, options, model.config().layers());
    }

    /**
     * Builds the graph of the model's first blocks, with its adapter on or off.
     *
     * @param blocks behind how many blocks final norm and head stand, in [1, the model's]
     * @throws FinetuneException when the model has fewer blocks
     */
    public DecodingEngine(LanguageModel model, boolean adapterOn, EngineOptions options, int blocks) {
        if (blocks < 1 || blocks > model.config().layers()) {
            throw new FinetuneException("the model cannot answer from behind block " + blocks + ", for it has "
                    + model.config().layers() + ". Give a block in [1, " + model.config().layers() + "].");
        }
        this.model = model;
        this.regimes = new LengthRegimes(model.config().architecture());
        ModelGraph graph = new ModelGraph(model, options, blocks);
        CachedMixer mixer = new CachedMixer(graph, model.precision().type());
        Trunk trunk = graph.trunk(mixer, adapterOn);
        SDVariable last = graph.hidden(trunk, graph.integers(LAST_ROWS));
        logits = model.logitScaling().logits(last, trunk.headWeight(), model.precision().masterType()).name();
        cacheWidths = mixer.widths();
        parameterArrays = new HashMap<>(graph.parameterArrays());
        // An adapter that is trained with dropout answers without.
        parameterArrays.put(ModelGraph.DROPOUT_SEED, Nd4j.createFromArray(Dropout.seed(-1)));
        session = new GraphSession(graph.graph(), model.kernels(), arena, List.of(logits), Map.of(), Map.of(),
                options.productFusion());
    }

    @Override
    public long bytesPerPlace() {
        return cacheWidths.values().stream().mapToLong(Integer::longValue).sum() * model.precision().type().width();
    }

    /** Starts texts anew: as many empty slots with so many places each, for prompt and continuation together. */
    public void begin(int slots, int places) {
        int[] none = new int[slots];
        Arrays.fill(none, EMPTY);
        arrange(none, places);
    }

    /**
     * Gives the cache another size, and its texts other slots.
     *
     * @param from   for each new slot the old one whose text it takes over, or {@link #EMPTY}; each old one once at most
     * @param places tokens that each slot holds, at least as many as the texts that stay have
     */
    public void arrange(int[] from, int places) {
        int[] kept = new int[from.length];
        for (int slot = 0; slot < from.length; slot++) {
            kept[slot] = from[slot] == EMPTY ? 0 : lengths[from[slot]];
            if (kept[slot] > places) {
                throw new IllegalArgumentException("text " + from[slot] + " has " + kept[slot] + " tokens, more than "
                        + places + " places");
            }
        }
        cacheWidths.forEach((name, width) -> {
            long[] shape = {from.length, places, width};
            INDArray old = caches.get(name);
            boolean stays = old != null && Arrays.equals(old.shape(), shape)
                    && IntStream.range(0, from.length).allMatch(slot -> from[slot] == EMPTY || from[slot] == slot);
            if (!stays) {
                INDArray fresh = Nd4j.createUninitialized(model.precision().type(), shape);
                long row = (long) width * fresh.dataType().width();
                for (int slot = 0; slot < from.length; slot++) {
                    if (kept[slot] > 0) {
                        Memory.copy(Memory.address(old) + from[slot] * (long) capacity * row,
                                Memory.address(fresh) + slot * (long) places * row, kept[slot] * row);
                    }
                }
                caches.put(name, fresh);
                if (old != null) {
                    old.close();
                }
            }
        });
        lengths = kept;
        capacity = places;
    }

    /** Empties a slot for another text. */
    public void clear(int slot) {
        lengths[slot] = 0;
    }

    /**
     * Gives a slot the beginning of another slot's text instead of its own.
     *
     * @param from   the slot whose text is copied; it may be the same
     * @param to     the slot that takes it over
     * @param tokens tokens of the beginning, at most as many as were fed
     */
    public void copy(int from, int to, int tokens) {
        if (tokens > lengths[from]) {
            throw new IllegalArgumentException("text " + from + " has " + lengths[from] + " tokens, fewer than " + tokens);
        }
        for (INDArray cache : caches.values()) {
            if (from != to) {
                long row = cache.size(2) * cache.dataType().width();
                long slot = capacity * row;
                Memory.copy(Memory.address(cache) + from * slot, Memory.address(cache) + to * slot, tokens * row);
            }
        }
        lengths[to] = tokens;
    }

    /** Number of slots. */
    public int slots() {
        return lengths.length;
    }

    /** Tokens that each slot holds at most. */
    public int places() {
        return capacity;
    }

    @Override
    public long cacheBytes() {
        return lengths.length * (long) capacity * bytesPerPlace();
    }

    @Override
    public HeldWeights holdWeights() {
        return hold(model, parameterArrays);
    }

    /** What {@link CachedEngine#holdWeights} does with these arrays of a model. */
    static HeldWeights hold(LanguageModel model, Map<String, INDArray> arrays) {
        try {
            return model.kernels().hold(weightsWorthHolding(model, arrays));
        } catch (OutOfMemoryError none) {
            return HeldWeights.NONE;
        }
    }

    private static List<INDArray> weightsWorthHolding(LanguageModel model, Map<String, INDArray> arrays) {
        Architecture architecture = model.config().architecture();
        String head = architecture.head() == null ? "" : architecture.head().weight();
        Set<String> others = architecture.weights().stream().filter(weight -> weight.role() != Weight.Role.LINEAR)
                .map(Weight::name).filter(name -> !name.equals(head)).collect(Collectors.toSet());
        List<INDArray> weights = new ArrayList<>();
        arrays.forEach((name, array) -> {
            if (array.rank() == 2 && array.dataType() == model.precision().type()
                    && Math.min(array.size(0), array.size(1)) >= LEAST_HELD && !others.contains(name)) {
                weights.add(array);
            }
        });
        return weights;
    }

    /**
     * What generation needs beside the model, found from the graph without computing anything.
     *
     * @param cacheBytes keys and values
     * @param copyBytes  copies of the weights in a faster layout, where the device keeps such
     * @param arenaBytes intermediate arrays: exactly the size of the engine's arena
     */
    public record Forecast(long cacheBytes, long copyBytes, long arenaBytes) {
        /** All of it. */
        public long totalBytes() {
            return cacheBytes + copyBytes + arenaBytes;
        }
    }

    /**
     * Tells what passes of one size need; the model may be an outline.
     *
     * @param tokens new tokens of a pass, at least as many as slots
     * @param slots  texts side by side
     * @param places tokens that each has at most
     */
    public Forecast forecast(int tokens, int slots, int places) {
        Map<String, long[]> shapes = new HashMap<>();
        parameterArrays.forEach((name, array) -> shapes.put(name, array.shape()));
        cacheWidths.forEach((name, width) -> shapes.put(name, new long[] {slots, places, width}));
        shapes.put(ModelGraph.IDS, new long[] {tokens});
        shapes.put(ModelGraph.POSITIONS, new long[] {tokens});
        shapes.put(ModelGraph.OFFSETS, new long[] {slots + 1});
        shapes.put(CachedMixer.LENGTHS, new long[] {slots});
        shapes.put(LAST_ROWS, new long[] {slots});
        return new Forecast((long) slots * places * bytesPerPlace(),
                weightsWorthHolding(model, parameterArrays).stream()
                .mapToLong(weight -> model.kernels().heldBytes(weight.dataType(), weight.size(0), weight.size(1))).sum(),
                session.arenaBytes(shapes));
    }

    /**
     * New tokens of a text.
     *
     * @param slot   its slot
     * @param tokens what the model has not seen yet, from {@code from} to before {@code to}, at least one
     */
    public record Feed(int slot, int[] tokens, int from, int to) {
        /** Refuses an empty range. */
        public Feed {
            if (from < 0 || to <= from || to > tokens.length) {
                throw new IllegalArgumentException("tokens " + from + " to " + to + " of " + tokens.length);
            }
        }

        /** All of the tokens. */
        public Feed(int slot, int[] tokens) {
            this(slot, tokens, 0, tokens.length);
        }

        /** Number of new tokens. */
        public int count() {
            return to - from;
        }
    }

    /**
     * Whether texts of these lengths have the same rotary frequencies, so that keys read as part of the one fit the other. A
     * prompt whose frequencies are not those of its beginnings must be fed in one pass.
     *
     * @param length tokens of a text
     * @param other  tokens of another, or of the same at another time
     */
    public boolean turnsAlike(int length, int other) {
        return regimes.alike(length, other);
    }

    /**
     * Feeds new tokens of several texts in one pass; in families whose rotary frequencies depend on the length of a text, in
     * as many as there are frequencies.
     *
     * @param feeds by ascending slot, each slot once at most
     * @return the logits {@code [feeds, vocabulary]} after the last new token of each; valid until the next call
     * @throws FinetuneException when a text grows past the length at which the keys in its cache stop fitting
     */
    public INDArray feed(List<Feed> feeds) {
        Collection<List<Feed>> parts = regimes.parts(feeds, lengths);
        if (parts.size() == 1) {
            return pass(feeds);
        }
        closeGathered();
        INDArray all = Nd4j.createUninitialized(model.precision().masterType(), feeds.size(), model.config().vocabularySize());
        gathered = all;
        long row = all.size(1) * all.dataType().width();
        for (List<Feed> part : parts) {
            INDArray logitsOfPart = pass(part);
            for (int i = 0; i < part.size(); i++) {
                Memory.copy(Memory.address(logitsOfPart) + i * row, Memory.address(all) + feeds.indexOf(part.get(i)) * row, row);
            }
        }
        return all;
    }

    private void closeGathered() {
        if (gathered != null) {
            gathered.close();
            gathered = null;
        }
    }

    private INDArray pass(List<Feed> feeds) {
        int count = feeds.stream().mapToInt(Feed::count).sum();
        int[] ids = new int[count];
        int[] positions = new int[count];
        int[] offsets = new int[lengths.length + 1];
        int[] lastRows = new int[feeds.size()];
        int row = 0;
        int next = 0;
        for (int slot = 0; slot < lengths.length; slot++) {
            offsets[slot] = row;
            if (next < feeds.size() && feeds.get(next).slot() == slot) {
                Feed feed = feeds.get(next);
                if (lengths[slot] + feed.count() > capacity) {
                    throw new IllegalArgumentException("text " + slot + " outgrows its " + capacity + " places");
                }
                System.arraycopy(feed.tokens(), feed.from(), ids, row, feed.count());
                for (int i = 0; i < feed.count(); i++) {
                    positions[row++] = lengths[slot] + i;
                }
                lastRows[next++] = row - 1;
            }
        }
        offsets[lengths.length] = row;
        if (next < feeds.size()) {
            throw new IllegalArgumentException("slot " + feeds.get(next).slot() + " is not one of " + lengths.length
                    + ", or comes twice, or not in order");
        }
        Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
        inputs.putAll(caches);
        inputs.put(ModelGraph.IDS, Nd4j.createFromArray(ids));
        inputs.put(ModelGraph.POSITIONS, Nd4j.createFromArray(positions));
        inputs.put(ModelGraph.OFFSETS, Nd4j.createFromArray(offsets));
        inputs.put(CachedMixer.LENGTHS, Nd4j.createFromArray(lengths));
        inputs.put(LAST_ROWS, Nd4j.createFromArray(lastRows));
        INDArray result = session.run(inputs, Map.of()).get(logits);
        feeds.forEach(feed -> lengths[feed.slot()] += feed.count());
        return result;
    }

    @Override
    public long arenaBytes() {
        return arena.bytes();
    }

    /** Times every operation from now on; null stops that. */
    public void profile(@Nullable Profile profile) {
        session.profile(profile);
    }

    @Override
    public void close() {
        caches.values().forEach(INDArray::close);
        caches.clear();
        closeGathered();
        arena.close();
    }
}
