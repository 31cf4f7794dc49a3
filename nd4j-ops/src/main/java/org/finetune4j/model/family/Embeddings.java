package org.finetune4j.model.family;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What tokens become before the first block: {@code norm(scale * tokens[id] + positions[place + offset] + types[type])}.
 *
 * @param tokens     the table of tokens {@code [vocabulary, width]}
 * @param scale      what its rows are multiplied by
 * @param positions  the table of learned positions, or null
 * @param firstPlace the row of the first position of a text
 * @param types      the table of token types, or null
 * @param norm       the norm behind the sum, or null
 */
public record Embeddings(Table tokens, double scale, @Nullable Table positions, int firstPlace, @Nullable Table types,
                         @Nullable Norm norm) {
    /**
     * A table of rows.
     *
     * @param module its module path in the checkpoint
     */
    public record Table(String module, int rows, int width) {
        /** Name of its tensor. */
        public String weight() {
            return module + ".weight";
        }

        void weights(Consumer<Weight> into) {
            into.accept(new Weight(weight(), new long[] {rows, width}, Weight.Role.TABLE));
        }
    }

    /** Tokens alone. */
    public static Embeddings of(String module, int vocabulary, int width) {
        return new Embeddings(new Table(module, vocabulary, width), 1, null, 0, null, null);
    }

    /** These with tokens multiplied by a factor. */
    public Embeddings scaledBy(double factor) {
        return new Embeddings(tokens, factor, positions, firstPlace, types, norm);
    }

    /** These with learned positions, the first of a text being row {@code first}. */
    public Embeddings withPositions(String module, int rows, int first) {
        return new Embeddings(tokens, scale, new Table(module, rows, tokens.width()), first, types, norm);
    }

    /** These with token types and a norm, as encoders have. */
    public Embeddings withTypes(String module, int rows, Norm behind) {
        return new Embeddings(tokens, scale, positions, firstPlace, new Table(module, rows, tokens.width()), behind);
    }

    void weights(Consumer<Weight> into) {
        tokens.weights(into);
        if (positions != null) {
            positions.weights(into);
        }
        if (types != null) {
            types.weights(into);
        }
        if (norm != null) {
            norm.weights(into);
        }
    }
}
