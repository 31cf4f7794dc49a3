package org.finetune4j.model.family;

import org.finetune4j.kernel.AttentionShape;

/**
 * Sizes of attention heads.
 *
 * @param query    query heads, a multiple of {@code keyValue}
 * @param keyValue key and value heads
 * @param width    numbers per head
 */
public record Heads(int query, int keyValue, int width) {
    private static final String HEADS = "num_attention_heads";
    private static final String KEY_VALUE_HEADS = "num_key_value_heads";

    /** Refuses numbers of heads that do not divide, as {@code config.json} names them. */
    public Heads {
        if (query % keyValue != 0) {
            throw new ConfigProblem(HEADS + " " + query + " is not a multiple of " + KEY_VALUE_HEADS + " " + keyValue);
        }
    }

    /** Heads whose width is {@code head_dim}, or the hidden size divided among them; as many keys as queries by default. */
    public static Heads read(ConfigFields config) {
        return read(config, 0, config.size(HEADS));
    }

    /**
     * Heads with other defaults; a width of 0 is the hidden size divided among them, and a number of key and value heads that
     * is null that of the queries.
     */
    public static Heads read(ConfigFields config, int width, int keyValue) {
        int query = config.size(HEADS);
        return new Heads(query, config.size(KEY_VALUE_HEADS, config.mentions(KEY_VALUE_HEADS) ? query : keyValue),
                config.has("head_dim") || width > 0 ? config.size("head_dim", width)
                        : divided(config, "hidden_size", HEADS));
    }

    /** Heads that the hidden size is divided among, as many keys as queries, under these names. */
    public static Heads divide(ConfigFields config, String hidden, String heads) {
        int count = config.size(heads);
        return new Heads(count, count, divided(config, hidden, heads));
    }

    private static int divided(ConfigFields config, String hiddenName, String headsName) {
        int hidden = config.size(hiddenName);
        int heads = config.size(headsName);
        if (hidden % heads != 0) {
            throw new ConfigProblem(hiddenName + " " + hidden + " is not a multiple of " + headsName + " " + heads
                    + " and there is no head_dim");
        }
        return hidden / heads;
    }

    /** Width of all queries of a token. */
    public int queryWidth() {
        return query * width;
    }

    /** Width of all keys of a token, and of all values. */
    public int keyValueWidth() {
        return keyValue * width;
    }

    AttentionShape shape() {
        return new AttentionShape(query, keyValue, width);
    }
}
