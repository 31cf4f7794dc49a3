package org.finetune4j.model.family;

import java.util.List;

/**
 * BERT (arXiv 1810.04805) and what is one: MiniLM, BGE, E5, GTE's first models. Its dropout is for pretraining and not
 * applied, and neither is its pooler.
 */
final class Bert implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("bert");
    }

    @Override
    public List<String> architectures() {
        return List.of("BertModel", "BertForMaskedLM", "BertForPreTraining");
    }

    @Override
    public String prefix() {
        return "bert.";
    }

    @Override
    public List<String> unused() {
        return List.of("bert\\.pooler\\..*", "bert\\.embeddings\\.position_ids", "(bert\\.)?cls\\..*");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        return encoder(config, "bert.", 0, 2);
    }

    /**
     * An encoder of this form.
     *
     * @param prefix where its modules lie
     * @param first  the row of the first position
     * @param types  token types where nothing says it
     */
    static Architecture encoder(ConfigFields config, String prefix, int first, int types) {
        config.requireOnly("position_embedding_type", "absolute");
        config.requireOnly("is_decoder", false);
        int hidden = config.size("hidden_size", 768);
        int inner = config.size("intermediate_size", 3072);
        int positions = config.size("max_position_embeddings", 512);
        double epsilon = config.epsilon("layer_norm_eps", 1e-12);
        Heads heads = Heads.divide(config, "hidden_size", "num_attention_heads");
        String embeddings = prefix + "embeddings";
        return new Architecture(
                Embeddings.of(embeddings + ".word_embeddings", config.size("vocab_size", 30522), hidden)
                        .withPositions(embeddings + ".position_embeddings", positions, first)
                        .withTypes(embeddings + ".token_type_embeddings", config.size("type_vocab_size", types),
                                Norm.layer(embeddings + ".LayerNorm", hidden, epsilon)),
                Architecture.blocks(config.size("num_hidden_layers", 12), layer -> {
                    String at = prefix + "encoder.layer." + layer;
                    String self = at + ".attention.self";
                    return new Block(Block.Order.NORM_OF_SUM,
                            null,
                            SelfAttention.of(heads, new Projections.Separate(biased(self + ".query", hidden, hidden),
                                            biased(self + ".key", hidden, hidden), biased(self + ".value", hidden, hidden)),
                                    biased(at + ".attention.output.dense", hidden, hidden)).bidirectional(),
                            Norm.layer(at + ".attention.output.LayerNorm", hidden, epsilon),
                            null,
                            new FeedForward.Plain(biased(at + ".intermediate.dense", hidden, inner),
                                    biased(at + ".output.dense", inner, hidden), config.activation("hidden_act", "gelu")),
                            Norm.layer(at + ".output.LayerNorm", hidden, epsilon));
                }),
                null, null, positions - first);
    }

    private static Linear biased(String site, int inputs, int outputs) {
        return Linear.of(site, inputs, outputs).withBias(true);
    }
}
