package org.finetune4j.train;

import java.util.Locale;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.evaluate.MetricResult;

/** The README.md of a saved model. */
final class ModelCard {
    private ModelCard() {
    }

    static String of(TunedModel tuned) {
        FineTuning job = tuned.job();
        StringBuilder card = new StringBuilder("---\nlibrary_name: transformers\n");
        card.append("tags:\n- finetune4j\n");
        ExportFolder.fragments(job).forEach(fragment -> card.append("- ").append(fragment.method().name()).append('\n'));
        card.append("---\n\n# ").append(job.base().folder().getFileName()).append(", fine-tuned\n\n");
        card.append(job.base() instanceof BaseModel.Fresh ? "Trained from random weights of the shape of `"
                : "Fine-tuned from `").append(job.base().folder()).append("` with finetune4j.\n\n## Methods\n\n");
        for (Fragment fragment : ExportFolder.fragments(job)) {
            card.append("- `").append(fragment.method().name()).append("`: ").append(fragment.method().title())
                    .append(" (").append(fragment.method().source()).append("), ").append(fragment.settings()).append('\n');
        }
        card.append("\n## Training\n\n").append(String.format(Locale.ROOT, "%d samples of `%s`, %d tokens of which %d are "
                        + "learned; %d steps, the last with a loss of %.4f.%n", tuned.data().examples().size(),
                job.data().description(), tuned.data().tokens(), tuned.data().supervisedTokens(), tuned.lastStep().step(),
                tuned.lastStep().loss()));
        if (!tuned.comparisons().isEmpty()) {
            card.append("\n## Held-out results\n\n| metric | before | after | items |\n|---|---|---|---|\n");
            tuned.comparisons().forEach(comparison -> card.append("| ").append(comparison.name()).append(" | ")
                    .append(number(comparison.before())).append(" | ").append(number(comparison.after())).append(" | ")
                    .append(comparison.after().count()).append(" |\n"));
        }
        return card.append("\nRecipe, settings, data hash and versions are in `").append(ExportFolder.PROVENANCE)
                .append("`.\n").toString();
    }

    private static String number(MetricResult result) {
        return String.format(Locale.ROOT, "%.4f", result.value());
    }
}
