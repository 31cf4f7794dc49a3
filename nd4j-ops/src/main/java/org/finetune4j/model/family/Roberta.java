package org.finetune4j.model.family;

import java.util.List;

/** RoBERTa (arXiv 1907.11692) and XLM-RoBERTa: a BERT whose positions begin behind the padding token's id. */
final class Roberta implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("roberta", "xlm-roberta", "camembert");
    }

    @Override
    public List<String> architectures() {
        return List.of("RobertaModel", "RobertaForMaskedLM", "XLMRobertaModel", "XLMRobertaForMaskedLM", "CamembertModel",
                "CamembertForMaskedLM");
    }

    @Override
    public String prefix() {
        return "roberta.";
    }

    @Override
    public List<String> unused() {
        return List.of("roberta\\.pooler\\..*", "roberta\\.embeddings\\.position_ids", "(roberta\\.)?lm_head\\..*");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        return Bert.encoder(config, "roberta.", config.whole("pad_token_id", 1) + 1, 2);
    }
}
