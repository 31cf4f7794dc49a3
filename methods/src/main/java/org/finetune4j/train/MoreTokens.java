package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.ModelShapes;
import org.finetune4j.tokenizer.Tokenizer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Added tokens that a model is to have besides its own. Each has the mean of the others in the embedding, and in a head of its
 * own; rows that the embedding has beyond the tokens are taken before it grows.
 */
final class MoreTokens {
    private static final String VOCABULARY = "vocab_size";
    private static final long MAXIMUM_BYTES = 200_000_000;

    private final ModelConfig config;
    private final List<String> names;
    private final int before;
    private final int rows;

    /**
     * Tokens that are to be added.
     *
     * @param tokenizer the model's
     * @throws FinetuneException when there is none, one is blank or given twice, or the tokenizer has it already
     */
    MoreTokens(ModelConfig config, Tokenizer tokenizer, List<String> names) {
        this.config = config;
        this.names = List.copyOf(names);
        before = tokenizer.vocabularySize();
        rows = Math.max(config.vocabularySize(), before + names.size());
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (name.isBlank() || !seen.add(name) || tokenizer.idOf(name).isPresent()) {
                throw new FinetuneException("the token '" + name + "' cannot be added: it " + (name.isBlank() ? "is blank"
                        : tokenizer.idOf(name).isPresent() ? "is one of the tokenizer's already" : "is given twice")
                        + ". Give other names, such as <|mask|>.");
            }
        }
        if (names.isEmpty()) {
            throw new FinetuneException("no token is to be added. Give at least one, such as <|mask|>.");
        }
    }

    /** The tensor, larger where it has a row for each token. */
    PendingTensor grown(PendingTensor tensor) {
        if (!ModelShapes.vocabularyWeights(config).contains(tensor.name())) {
            return tensor;
        }
        long[] shape = tensor.shape().clone();
        shape[0] = rows;
        return new PendingTensor(tensor.name(), DataType.FLOAT, shape, true, () -> {
            INDArray larger = Nd4j.zeros(DataType.FLOAT, shape);
            tensor.use(values -> {
                larger.get(NDArrayIndex.interval(0, values.size(0)), NDArrayIndex.all()).assign(values);
                // A model may lack rows for its last tokens, which are no text.
                INDArray mean = values.get(NDArrayIndex.interval(0, Math.min(before, values.size(0))), NDArrayIndex.all())
                        .mean(0);
                for (long row = Math.min(before, values.size(0)); row < before + names.size(); row++) {
                    larger.putRow(row, mean);
                }
            });
            return larger;
        });
    }

    /** The text of config.json with as many rows as there are then. */
    String config(String text, Path file) {
        ObjectNode root = StrictJson.parseObject(text, file);
        ObjectNode holder = root.path("text_config") instanceof ObjectNode inner && inner.has(VOCABULARY) ? inner : root;
        holder.put(VOCABULARY, rows);
        return root.toPrettyString() + "\n";
    }

    /** The text of tokenizer.json with the tokens. */
    String tokenizer(Path file) {
        ObjectNode root = StrictJson.readObject(file, MAXIMUM_BYTES);
        ArrayNode added = root.path("added_tokens") instanceof ArrayNode array ? array : root.putArray("added_tokens");
        for (int i = 0; i < names.size(); i++) {
            describe(added.addObject().put("id", before + i), names.get(i));
        }
        return root.toString();
    }

    /** The text of tokenizer_config.json with the tokens, where it lists those that are added. */
    String settings(Path file) {
        ObjectNode root = StrictJson.readObject(file, MAXIMUM_BYTES);
        if (root.path("added_tokens_decoder") instanceof ObjectNode added) {
            for (int i = 0; i < names.size(); i++) {
                describe(added.putObject(String.valueOf(before + i)), names.get(i));
            }
        }
        return root.toPrettyString() + "\n";
    }

    private static void describe(ObjectNode token, String name) {
        token.put("content", name).put("single_word", false).put("lstrip", false).put("rstrip", false)
                .put("normalized", false).put("special", true);
    }
}
