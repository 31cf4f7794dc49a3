package org.finetune4j.dsl.pipeline

import com.github.ajalt.mordant.terminal.Terminal
import kotlinx.serialization.Serializable
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.TunedModel
import org.finetune4j.dsl.endDryRun
import org.finetune4j.dsl.isDryRun

/**
 * Recipes that are run one after the other, each from the weights that the one before it trained; [pipeline] builds one, and
 * it never changes. Only weights cross from stage to stage: every stage begins with a fresh optimiser and schedule.
 *
 * @property name what it is called
 * @property folder where every stage has a folder of its own, and where the ledger of stages is
 * @property stages its stages in their order, at least one
 */
@Serializable
public data class Pipeline(public val name: String, public val folder: String, public val stages: List<PipelineStage>) {
    /**
     * This pipeline as JSON, every setting of every recipe written out; [fromJson] makes an equal one of it.
     *
     * @throws FinetuneException when a fragment of a stage was defined in a script
     */
    public fun toJson(): String = PipelineJson.write(this)

    /** What every stage would do and everything that refuses it, found without training. */
    public fun plan(): PipelinePlan = PipelineRunner(Terminal()).plan(this)

    /**
     * Runs the stages that are not finished yet, with plan, progress and measurements of each shown on [terminal], and returns
     * the model of the last one. A pipeline that was stopped goes on where it was. After every stage the [ledger] is written.
     *
     * Under `finetune run --dry-run` the plan is shown and the process ends.
     *
     * @throws FinetuneException when the pipeline cannot run, a guard stops a stage, or a folder of a stage was made from
     *   other weights than its predecessor has now
     */
    public fun run(terminal: Terminal = Terminal()): TunedModel {
        if (isDryRun) plan().let { endDryRun(it, it.problems) }
        return PipelineRunner(terminal).run(this)
    }

    /** The finished stages as the ledger `stages.json` in [folder] has them; none before the first one is finished. */
    public fun ledger(): List<LedgerEntry> = StageLedger(this).read().filter { it.weights.isNotEmpty() }

    override fun toString(): String = "pipeline(\"$name\"): ${stages.joinToString { it.name }}"

    public companion object {
        /**
         * The pipeline that [text] holds.
         *
         * @throws FinetuneException when the text does not describe a pipeline; the message lists everything that is wrong
         */
        public fun fromJson(text: String): Pipeline = PipelineJson.read(text)
    }
}

/**
 * One leg of a pipeline.
 *
 * @property name what it is called
 * @property recipe what it trains; all but the first continue from the folder of the one before
 */
@Serializable
public data class PipelineStage(public val name: String, public val recipe: Recipe)
