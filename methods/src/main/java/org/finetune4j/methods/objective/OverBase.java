package org.finetune4j.methods.objective;

import java.nio.file.Path;
import java.util.List;
import org.finetune4j.data.EpochStage;
import org.finetune4j.data.Row;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.train.GradientEngine;
import org.finetune4j.train.ModelGradientEngine;
import org.jspecify.annotations.Nullable;

/** An objective that does more with a base objective, which decides everything that is not said otherwise. */
interface OverBase extends Objective {
    /** What it does more with. */
    Objective base();

    @Override
    default Class<? extends Row> rows() {
        return base().rows();
    }

    @Override
    default Reduction reduction() {
        return base().reduction();
    }

    @Override
    default boolean preparesExamples() {
        return base().preparesExamples();
    }

    @Override
    default ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        return base().prepare(preparation);
    }

    @Override
    default @Nullable EpochStage epochStage() {
        return base().epochStage();
    }

    @Override
    default int sequencesPerSample() {
        return base().sequencesPerSample();
    }

    @Override
    default @Nullable Path teacherFolder() {
        return base().teacherFolder();
    }

    @Override
    default @Nullable String maskOfReference() {
        return base().maskOfReference();
    }

    @Override
    default GradientEngine engine(ModelGradientEngine engine, PassContext context) {
        return base().engine(engine, context);
    }

    @Override
    default List<String> notes() {
        return base().notes();
    }

    @Override
    default PassForecast passes(PassOutline outline) {
        return base().passes(outline);
    }

    @Override
    default List<TextWork> work(List<Sample> samples, int epochs) {
        return base().work(samples, epochs);
    }

    @Override
    default List<Path> scorers() {
        return base().scorers();
    }

    @Override
    default List<String> problems(Composition composition) {
        return base().problems(composition);
    }
}
