package org.finetune4j.train;

import org.finetune4j.FinetuneException;

/** A job that was planned. It runs with the data that planning read and encoded. */
public final class PreparedRun {
    private final FineTuning job;
    private final Preparation preparation;

    PreparedRun(FineTuning job, Preparation preparation) {
        this.job = job;
        this.preparation = preparation;
    }

    /** What the run would do and everything that refuses it. */
    public Plan plan() {
        return preparation.plan();
    }

    /** The same run whose base lies in another folder, with files that are the same. */
    public PreparedRun startingFrom(BaseModel base) {
        return new PreparedRun(job.withBase(base), preparation);
    }

    /**
     * Runs the job. A run folder with a checkpoint of the same job is continued where it stopped.
     *
     * @throws FinetuneException when the plan has problems, a guard stops the run, or a file cannot be read or written
     */
    public FineTuned run(TrainingListener listener) {
        if (!plan().problems().isEmpty()) {
            throw new FinetuneException(String.join("\n", plan().problems()));
        }
        return FineTuningRun.run(job, preparation, listener);
    }
}
