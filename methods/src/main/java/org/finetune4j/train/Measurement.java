package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.methods.decode.Decoder;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.MetricResult;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Measures a run's model before and after its training, of which nothing changes.
 *
 * @param encoding   of the training
 * @param arithmetic tells weights apart and what computes with them
 */
record Measurement(FineTuning job, Preparation preparation, LanguageModel model, Tokenizer tokenizer, TextEncoding encoding,
                   String arithmetic, TrainingListener listener) {
    /** The held-out samples whose answers are shown. */
    List<Sample> shown() {
        return Planner.shown(preparation.heldOut());
    }

    /** What the base is worth, as the run's folder has it or measured now. */
    Baseline before() {
        String key = key();
        Path runFolder = job.runFolder();
        Baseline known = runFolder == null ? null : Baseline.read(runFolder, key);
        if (known != null) {
            return known;
        }
        Baseline measured = measure(key, "the base model");
        if (runFolder != null) {
            RunRecord.createFolder(runFolder);
            measured.write(runFolder);
        }
        return measured;
    }

    /** What the model is worth now that it is trained. */
    Baseline after() {
        return measure("after", "the tuned model");
    }

    private Baseline measure(String key, String name) {
        try (ModelExaminee examinee = new ModelExaminee(job, model, tokenizer, preparation.limit(), name, listener)) {
            Decoder decoder = decoder();
            Examinee decoded = decoder == null ? examinee : decoder.over(examinee);
            List<MetricResult> results = new ArrayList<>();
            for (Preparation.Measured one : preparation.measured()) {
                boolean differs = decoder != null && one.metric().asksForProbabilities();
                one.metric().measure(one.samples(), decoded).forEach(result -> results.add(!differs ? result
                        : result.by("decode:" + FineTuningRun.settings(List.of(decoder)))));
            }
            return new Baseline(key, results, examinee.answers(shown()));
        }
    }

    private @Nullable Decoder decoder() {
        return job.evaluation() == null ? null : job.evaluation().decoder();
    }

    private String key() {
        Decoder decoder = decoder();
        return Hashes.of(arithmetic + " " + job.train().tokensPerBatch() + preparation.limit() + encoding.fingerprint()
                + told(shown()) + preparation.measured().stream().map(one -> FineTuningRun.settings(List.of(one.metric()))
                        + told(one.samples())).toList()
                + (job.evaluation() == null ? 0 : job.evaluation().maxNewTokens())
                + (decoder == null ? "" : FineTuningRun.settings(List.of(decoder)) + decoder.fingerprint()));
    }

    /** All of samples that a metric may look at, and what tokenizer and template make of their prompts. */
    private String told(List<Sample> samples) {
        StringBuilder told = new StringBuilder();
        for (Sample sample : samples) {
            // The fields of a sample come in another order in every process.
            told.append(sample.id()).append(sample.conversation()).append(sample.answer())
                    .append(new TreeMap<>(sample.fields())).append('\n');
            if (!sample.isDocument()) {
                told.append(Arrays.toString(encoding.prompt(sample.id(), sample.promptConversation())))
                        .append(new TreeSet<>(encoding.stopIds()));
            }
        }
        return told.toString();
    }
}
