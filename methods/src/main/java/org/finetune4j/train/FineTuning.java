package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.preview.Preview;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.select.BatchMethod;
import org.finetune4j.methods.select.EachEpoch;
import org.finetune4j.methods.select.EpochSelector;
import org.finetune4j.methods.select.Selecting;
import org.finetune4j.methods.select.Selector;
import org.finetune4j.tokenizer.Supervision;
import org.jspecify.annotations.Nullable;

/**
 * A whole fine-tuning job as an immutable value: the entry for Java callers, and what the Kotlin DSL builds.
 *
 * @param base         the model to start from
 * @param data         what to train on
 * @param chatTemplate a Jinja chat template, or null for the tokenizer's own
 * @param supervision  which tokens of a conversation are learned
 * @param selectors    choose what of the data is trained on, one after another before training; none to train on all
 * @param epochSelectors choose anew at the start of every pass over what the selectors before the training leave; none to
 *                     train on the same in every pass
 * @param batchMethods decide in every step what of its samples is learned, one after another
 * @param objective    what is minimised
 * @param adapter      the parameterisation that trains, or null to train every parameter
 * @param train        how to train
 * @param evaluation   what is measured on held-out samples, or null
 * @param kernels      the kernels to compute with: {@code onednn} or {@code nd4j}
 * @param runFolder    where metrics and checkpoints are written, or null for none
 * @param continueFrom another run's folder whose latest weights this run begins with, or null
 * @param dataCache    where encoded data are kept for other runs with the same, or null to encode them every time
 * @param recipe       the recipe as JSON, kept with the run; an empty object if there is none
 */
public record FineTuning(BaseModel base, DataSource data, @Nullable String chatTemplate, Supervision supervision,
                         List<Selector> selectors, List<EpochSelector> epochSelectors, List<BatchMethod> batchMethods,
                         Objective objective, @Nullable Adapter adapter, TrainSettings train, @Nullable Evaluation evaluation,
                         String kernels, @Nullable Path runFolder, @Nullable Path continueFrom, @Nullable Path dataCache,
                         String recipe) {
    /** Keeps immutable copies. */
    public FineTuning {
        selectors = List.copyOf(selectors);
        epochSelectors = List.copyOf(epochSelectors);
        batchMethods = List.copyOf(batchMethods);
    }

    /** A builder; base, data and objective must be given. */
    public static Builder builder(BaseModel base, DataSource data, Objective objective) {
        return new Builder(base, data, objective);
    }

    /** What a run would do and everything that refuses it, without loading a weight. */
    public Plan plan() {
        return prepare().plan();
    }

    /** Plans the job and keeps what was read and encoded, so that it can run without doing so again. */
    public PreparedRun prepare() {
        return new PreparedRun(this, new Planner(this).prepare());
    }

    /**
     * Runs the job. A run folder with a checkpoint of the same job is continued where it stopped.
     *
     * @throws org.finetune4j.FinetuneException when the plan has problems, a guard stops the run, or a file cannot be
     *                                          read or written
     */
    public FineTuned run(TrainingListener listener) {
        return prepare().run(listener);
    }

    /**
     * The first samples as the model would see them.
     *
     * @param count most samples shown, at least 1
     * @throws org.finetune4j.FinetuneException when the tokenizer or the data cannot be read
     */
    public Preview preview(int count) {
        return Previewer.preview(this, count);
    }

    /** Whether samples are completed before the training, for which they are kept beside what they are encoded to. */
    boolean preparesExamples() {
        return objective.preparesExamples() || batchMethods.stream().anyMatch(BatchMethod::preparesExamples);
    }

    /** All that choose samples, in the order in which they do. */
    List<Selector> allSelectors() {
        return Stream.concat(selectors.stream(), epochSelectors.stream()).toList();
    }

    /** All of {@code select(...)} as it stands in a recipe. */
    List<Selecting> selecting() {
        return Stream.of(selectors.stream(), epochSelectors.stream().map(EachEpoch::new), batchMethods.stream())
                .flatMap(parts -> parts).map(Selecting.class::cast).toList();
    }

    /** This job with the files of its base elsewhere. */
    FineTuning withBase(BaseModel other) {
        return new FineTuning(other, data, chatTemplate, supervision, selectors, epochSelectors, batchMethods, objective,
                adapter, train, evaluation, kernels, runFolder, continueFrom, dataCache, recipe);
    }

    /** Collects the parts of a job. */
    public static final class Builder {
        private final BaseModel base;
        private final DataSource data;
        private final Objective objective;
        private @Nullable String chatTemplate;
        private Supervision supervision = Supervision.ASSISTANT;
        private final List<Selector> selectors = new ArrayList<>();
        private final List<EpochSelector> epochSelectors = new ArrayList<>();
        private final List<BatchMethod> batchMethods = new ArrayList<>();
        private @Nullable Adapter adapter;
        private TrainSettings train = TrainSettings.defaults();
        private @Nullable Evaluation evaluation;
        private String kernels = "onednn";
        private @Nullable Path runFolder;
        private @Nullable Path continueFrom;
        private @Nullable Path dataCache;
        private String recipe = "{}";

        private Builder(BaseModel base, DataSource data, Objective objective) {
            this.base = base;
            this.data = data;
            this.objective = objective;
        }

        /** Sets a Jinja chat template in place of the tokenizer's own. */
        public Builder chatTemplate(String jinja) {
            chatTemplate = jinja;
            return this;
        }

        /** Sets which tokens of a conversation are learned; default every turn of the assistant, with its end. */
        public Builder supervision(Supervision value) {
            supervision = value;
            return this;
        }

        /** Adds a selector, which chooses among what those before it leave. */
        public Builder selector(Selector value) {
            selectors.add(value);
            return this;
        }

        /** Adds a selector that chooses anew at the start of every pass, among what all that came before it leave. */
        public Builder epochSelector(EpochSelector value) {
            epochSelectors.add(value);
            return this;
        }

        /** Adds a method that decides in every step what is learned; several work in the order in which they were added. */
        public Builder batchMethod(BatchMethod value) {
            batchMethods.add(value);
            return this;
        }

        /** Sets the adapter. */
        public Builder adapter(Adapter value) {
            adapter = value;
            return this;
        }

        /** Sets how to train. */
        public Builder train(TrainSettings value) {
            train = value;
            return this;
        }

        /** Sets what is measured. */
        public Builder evaluation(Evaluation value) {
            evaluation = value;
            return this;
        }

        /** Sets the kernels; default {@code onednn}. */
        public Builder kernels(String name) {
            kernels = name;
            return this;
        }

        /** Sets the run folder. */
        public Builder runFolder(Path folder) {
            runFolder = folder;
            return this;
        }

        /** Sets the folder of another run whose latest weights this one begins with. */
        public Builder continueFrom(Path folder) {
            continueFrom = folder;
            return this;
        }

        /** Sets where encoded data are kept. */
        public Builder dataCache(Path folder) {
            dataCache = folder;
            return this;
        }

        /** Sets the recipe's JSON. */
        public Builder recipe(String json) {
            recipe = json;
            return this;
        }

        /** The job. */
        public FineTuning build() {
            return new FineTuning(base, data, chatTemplate, supervision, selectors, epochSelectors, batchMethods, objective,
                    adapter, train, evaluation, kernels, runFolder, continueFrom, dataCache, recipe);
        }
    }
}
