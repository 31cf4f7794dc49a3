package org.finetune4j.train;

import java.util.Locale;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.evaluate.MetricResult;
import org.jspecify.annotations.Nullable;

/** The README.md of a saved model: what it is, how it was made and measured, whom to cite, and how to load it. */
final class ModelCard {
    /** What is in the folder. */
    enum Kind {
        /** A whole model. */
        MODEL("transformers", """
                ```python
                from transformers import AutoModelForCausalLM, AutoTokenizer

                model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
                tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
                ```

                In Kotlin, `base("path/to/this/folder")` of finetune4j starts from it, and
                `finetune export path/to/this/folder --gguf model.gguf` makes a file for llama.cpp of it.
                """),
        /** An adapter alone. */
        ADAPTER("peft", """
                ```python
                from peft import PeftModel
                from transformers import AutoModelForCausalLM

                base = AutoModelForCausalLM.from_pretrained("path/to/the/base")
                model = PeftModel.from_pretrained(base, "path/to/this/folder")
                ```

                In Kotlin, `adapt(savedAdapter("path/to/this/folder"))` of finetune4j goes on training it, and
                `finetune export path/to/the/base --adapter path/to/this/folder --gguf model.gguf` makes a file for llama.cpp.
                """);

        private final String library;
        private final String loading;

        Kind(String library, String loading) {
            this.library = library;
            this.loading = loading;
        }
    }

    private ModelCard() {
    }

    static String of(TunedModel tuned, Kind kind) {
        FineTuning job = tuned.job();
        BaseCard base = BaseCard.of(job.base().folder());
        StringBuilder card = new StringBuilder(frontMatter(job, kind, base));
        card.append("# ").append(job.base().folder().getFileName()).append(", fine-tuned\n\n");
        card.append(job.base() instanceof BaseModel.Fresh ? "Trained from random weights of the shape of `"
                : "Fine-tuned from `").append(job.base().folder()).append("` with finetune4j");
        card.append(kind == Kind.ADAPTER ? "; this folder holds the adapter alone.\n" : ".\n");
        if (base.license() != null) {
            card.append("The base's licence is `").append(base.license()).append("`; it binds this model too.\n");
        } else if (!(job.base() instanceof BaseModel.Fresh)) {
            card.append("The base's folder names no licence; look it up where the base came from.\n");
        }
        card.append("\n## How to load it\n\n").append(kind.loading).append("\n## Methods\n\n");
        for (Fragment fragment : ExportFolder.fragments(job)) {
            card.append("- `").append(fragment.method().name()).append("`: ").append(fragment.method().title())
                    .append(" (").append(fragment.method().source()).append("), ").append(fragment.settings()).append('\n');
        }
        card.append("\n## Training\n\n").append(String.format(Locale.ROOT, "%d samples of `%s`, %d tokens of which %d are "
                        + "learned; %d steps, the last with a loss of %.4f.%n", tuned.data().examples().size(),
                job.data().description(), tuned.data().tokens(), tuned.data().supervisedTokens(), tuned.lastStep().step(),
                tuned.lastStep().loss()));
        card.append("\n| | |\n|---|---|\n");
        row(card, "seed", job.train().seed());
        row(card, "data, SHA-256", tuned.data().hash());
        RunRecord.versions().forEach((name, version) -> row(card, name, version));
        results(card, tuned);
        card.append("\n## Recipe\n\n```json\n").append(job.recipe().strip()).append("\n```\n");
        return card.append("\nThe same with every setting is in `").append(ExportFolder.PROVENANCE).append("`.\n").toString();
    }

    /** What Hugging Face reads; a base that is no name there is left out. */
    private static String frontMatter(FineTuning job, Kind kind, BaseCard base) {
        StringBuilder yaml = new StringBuilder("---\nlibrary_name: ").append(kind.library)
                .append("\npipeline_tag: text-generation\n");
        line(yaml, "base_model", job.base() instanceof BaseModel.Fresh ? null : base.name());
        line(yaml, "license", base.license());
        yaml.append("tags:\n- finetune4j\n");
        ExportFolder.fragments(job).forEach(fragment -> yaml.append("- ").append(fragment.method().name()).append('\n'));
        return yaml.append("---\n\n").toString();
    }

    private static void line(StringBuilder yaml, String key, @Nullable String value) {
        if (value != null) {
            yaml.append(key).append(": ").append(value).append('\n');
        }
    }

    private static void row(StringBuilder card, String name, Object value) {
        card.append("| ").append(name).append(" | `").append(value).append("` |\n");
    }

    private static void results(StringBuilder card, TunedModel tuned) {
        if (tuned.comparisons().isEmpty()) {
            return;
        }
        card.append("\n## Held-out results\n\n| metric | before | after | items |\n|---|---|---|---|\n");
        tuned.comparisons().forEach(comparison -> card.append("| ").append(comparison.name()).append(" | ")
                .append(number(comparison.before())).append(" | ").append(number(comparison.after())).append(" | ")
                .append(comparison.after().count()).append(" |\n"));
    }

    private static String number(MetricResult result) {
        return String.format(Locale.ROOT, "%.4f", result.value());
    }
}
