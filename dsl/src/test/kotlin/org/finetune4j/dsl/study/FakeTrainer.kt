package org.finetune4j.dsl.study

import org.finetune4j.data.LengthStatistics
import org.finetune4j.dsl.GgufType
import org.finetune4j.dsl.run.Runner
import org.finetune4j.generation.Depth
import org.finetune4j.generation.GeneratedText
import org.finetune4j.generation.GenerationLimits
import org.finetune4j.generation.GenerationSettings
import org.finetune4j.generation.TextListener
import org.finetune4j.generation.TextStream
import org.finetune4j.methods.evaluate.MetricResult
import org.finetune4j.methods.generate.TextModel
import org.finetune4j.tokenizer.Message
import org.finetune4j.train.BaseModel
import org.finetune4j.train.DataSummary
import org.finetune4j.train.FineTuned
import org.finetune4j.train.FineTuning
import org.finetune4j.train.MemoryEstimate
import org.finetune4j.train.Plan
import org.finetune4j.train.TrainingListener
import java.nio.file.Files
import java.nio.file.Path

/**
 * A trainer that trains nothing: it remembers its jobs, leaves a log and a checkpoint's folder, and measures what it is told.
 *
 * @param supervisedTokens of an epoch of a job's data, which has 10 steps
 * @param stepsMade what a job really makes of the steps that were planned
 * @param loss the held-out loss of a job after training; it may throw
 */
internal class FakeTrainer(
    private val supervisedTokens: (FineTuning) -> Long = { 1000 },
    private val stepsMade: (FineTuning, Long) -> Long = { _, planned -> planned },
    private val loss: (FineTuning) -> Double,
) : Runner.Trainer {
    val ran = mutableListOf<FineTuning>()

    override fun prepare(job: FineTuning): Runner.Prepared = object : Runner.Prepared {
        override val plan = plan(job)

        override fun run(base: BaseModel, listener: TrainingListener): FineTuned {
            ran += job
            val folder = checkNotNull(job.runFolder())
            Files.createDirectories(folder.resolve("checkpoints"))
            val steps = stepsMade(job, plan.steps())
            val each = supervisedTokens(job) / STEPS_PER_EPOCH
            Files.write(
                folder.resolve("metrics.jsonl"),
                (1..steps).map { """{"step":$it,"loss":1.0,"tokens":200,"supervisedTokens":$each,"tokensPerSecond":100.0}""" } +
                    """{"step":$steps,"heldOutLoss":1.0,"supervisedTokens":77}""",
            )
            return Tuned(loss(job))
        }
    }

    private fun plan(job: FineTuning): Plan {
        val steps = if (job.train().maxSteps() > 0) job.train().maxSteps() else job.train().epochs() * STEPS_PER_EPOCH
        val data = DataSummary(listOf("read"), LengthStatistics.NONE, 0)
        return Plan(listOf("train"), listOf("policy"), 1_000_000, 25_000, 60, 2000, supervisedTokens(job), 0, steps, MemoryEstimate.UNKNOWN, 60.0, data, emptyList())
    }

    private class Tuned(private val loss: Double) : FineTuned {
        override fun plan(): Plan = error("not asked for")

        override fun comparisons(): List<FineTuned.Comparison> = listOf(
            FineTuned.Comparison("heldOutLoss", number(2.0), number(loss)),
            FineTuned.Comparison("exactMatch", MetricResult.mean("exactMatch", "", listOf(0.0, 0.0, 0.0, 1.0), 0), MetricResult.mean("exactMatch", "", listOf(0.0, 1.0, 0.0, 1.0), 0)),
        )

        private fun number(value: Double) = MetricResult("heldOutLoss", "mean", value, null, 4, 0, emptyList())

        override fun answers(): List<FineTuned.Answer> = emptyList()

        override fun lastStep(): TrainingListener.StepEvent = error("not asked for")

        override fun generation(): GenerationSettings.Builder = error("not asked for")

        override fun generate(conversation: List<Message>, settings: GenerationSettings, listener: TextListener): List<GeneratedText> = error("not asked for")

        override fun stream(conversation: List<Message>, settings: GenerationSettings): TextStream = error("not asked for")

        override fun texts(): TextModel = error("not asked for")

        override fun limitGeneration(limits: GenerationLimits) = Unit

        override fun depth(depth: Depth) = Unit

        override fun decidedBehind(): Map<Int, Long> = emptyMap()

        override fun save(folder: Path) = Unit

        override fun saveAdapter(folder: Path) = Unit

        override fun saveGguf(file: Path, type: GgufType) = Unit

        override fun close() = Unit
    }

    private companion object {
        const val STEPS_PER_EPOCH = 10L
    }
}
