package org.finetune4j.model;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.family.Embeddings;
import org.finetune4j.op.Attention;
import org.finetune4j.op.FirstRows;
import org.finetune4j.op.L2Normalize;
import org.finetune4j.op.MeanPool;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An encoder such as BERT: hidden states of texts in which every token sees all others, or one vector for each text.
 *
 * <p>Nothing trains. Not for use by several threads at once.
 */
public final class EncoderModel implements AutoCloseable {
    /** What becomes of the hidden states of a text's tokens. */
    public enum Pooling {
        /** They stay, a row for each token. */
        NONE,
        /** Their mean. */
        MEAN,
        /** The first token's, which BERT's tokenizer puts there for that. */
        FIRST
    }

    private final LanguageModel model;
    private final Arena arena = new Arena();
    private final Map<String, INDArray> parameterArrays;
    private final GraphSession session;
    private final String result;

    private EncoderModel(LanguageModel model, Pooling pooling, boolean unitLength) {
        this.model = model;
        ModelGraph graph = new ModelGraph(model, EngineOptions.DEFAULT);
        SDVariable offsets = graph.integers(ModelGraph.OFFSETS);
        SDVariable hidden = graph.hidden(graph.trunk((layer, query, key, value, shape, rotary) -> rotary == null
                ? Attention.of(query, key, value, offsets, shape)
                : Attention.of(query, key, value, offsets, graph.integers(ModelGraph.POSITIONS), rotary, shape), false));
        SDVariable pooled = switch (pooling) {
            case NONE -> hidden;
            case MEAN -> MeanPool.of(hidden, offsets);
            case FIRST -> FirstRows.of(hidden, offsets);
        };
        result = (unitLength ? L2Normalize.of(pooled) : pooled).name();
        parameterArrays = graph.parameterArrays();
        session = new GraphSession(graph.graph(), model.kernels(), arena, List.of(result), Map.of(), Map.of(),
                EngineOptions.DEFAULT.productFusion());
    }

    /**
     * Loads a Hugging Face model folder.
     *
     * @param pooling    what becomes of the hidden states
     * @param unitLength whether every resulting row is divided by its length
     * @throws FinetuneException when a file is missing or corrupt, the family is unknown or no encoder, or a tensor is
     *                           missing, left over or of another shape
     */
    public static EncoderModel load(Path folder, Pooling pooling, boolean unitLength, Precision precision,
                                    Kernels kernels) {
        LanguageModel model = LanguageModel.encoder(folder, precision, kernels);
        try {
            return new EncoderModel(model, pooling, unitLength);
        } catch (RuntimeException | Error failure) {
            model.close();
            throw failure;
        }
    }

    /** The model's configuration. */
    public ModelConfig config() {
        return model.config();
    }

    /**
     * Rows {@code [texts, hidden]}, or {@code [tokens of all texts, hidden]} without pooling; valid until the next call.
     *
     * @param texts token ids of each text, at least one and at most {@link ModelConfig#maxPositions()}
     * @throws FinetuneException when a text is empty or longer
     */
    public INDArray encode(List<int[]> texts) {
        int longest = config().maxPositions();
        int[] offsets = new int[texts.size() + 1];
        for (int i = 0; i < texts.size(); i++) {
            int length = texts.get(i).length;
            if (length == 0 || length > longest) {
                throw new FinetuneException("text " + i + " has " + length + " tokens, but the model takes from 1 to " + longest
                        + ". " + (length == 0 ? "Leave it out." : "Cut it."));
            }
            offsets[i + 1] = offsets[i] + length;
        }
        Embeddings embeddings = config().architecture().embeddings();
        int[] ids = new int[offsets[texts.size()]];
        int[] positions = new int[ids.length];
        for (int i = 0; i < texts.size(); i++) {
            System.arraycopy(texts.get(i), 0, ids, offsets[i], texts.get(i).length);
            for (int p = 0; p < texts.get(i).length; p++) {
                positions[offsets[i] + p] = embeddings.firstPlace() + p;
            }
        }
        Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
        inputs.put(ModelGraph.IDS, Nd4j.createFromArray(ids));
        inputs.put(ModelGraph.POSITIONS, Nd4j.createFromArray(positions));
        inputs.put(ModelGraph.OFFSETS, Nd4j.createFromArray(offsets));
        inputs.put(ModelGraph.TYPES, Nd4j.createFromArray(new int[ids.length]));
        return session.run(inputs, Map.of()).get(result);
    }

    /** Bytes of intermediate arrays as they are held now. */
    public long arenaBytes() {
        return arena.bytes();
    }

    @Override
    public void close() {
        arena.close();
        model.close();
    }
}
