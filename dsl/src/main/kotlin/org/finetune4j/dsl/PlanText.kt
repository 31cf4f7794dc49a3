package org.finetune4j.dsl

import org.finetune4j.data.LengthStatistics
import org.finetune4j.dsl.show.bytes
import org.finetune4j.dsl.show.count
import org.finetune4j.dsl.show.duration
import org.finetune4j.dsl.show.percent
import org.finetune4j.train.DataSummary
import org.finetune4j.train.MemoryEstimate

/** A plan as lines of text. */
internal object PlanText {
    private const val NAME_WIDTH = 12
    private const val BARS = "▁▂▃▄▅▆▇█"

    fun of(shown: RecipePlan): String {
        val stages = shown.plan.stages().mapIndexed { i, stage -> "${i + 1}. $stage" }
        return (list("plan", stages) + list("models", shown.plan.models()) + facts(shown) + refusal(shown)).joinToString("\n")
    }

    private fun list(name: String, texts: List<String>): List<String> =
        texts.mapIndexed { i, text -> (if (i == 0) name else "").padEnd(NAME_WIDTH) + text }

    private fun facts(shown: RecipePlan): List<String> {
        val plan = shown.plan
        val share = if (plan.totalParameters() == 0L) 0.0 else plan.trainableParameters().toDouble() / plan.totalParameters()
        val dropped = if (plan.droppedSamples() == 0) "" else ", ${count(plan.droppedSamples().toLong())} left out for their length"
        val details = mapOf("memory" to parts(plan.memory()), "data" to data(plan.data()))
        return listOf(
            "parameters" to "${count(plan.totalParameters())}, of which ${count(plan.trainableParameters())} train (${percent(share)})",
            "data" to "${count(plan.samples().toLong())} samples, ${count(plan.tokens())} tokens, " +
                "${percent(plan.supervisedShare())} of them learned$dropped",
            "steps" to count(plan.steps()),
            "memory" to "about ${bytes(plan.memoryBytes())} of ${bytes(plan.memory().availableBytes())} available",
            "time" to "about ${duration(plan.seconds())}",
            "output" to shown.folder,
        ).flatMap { (name, text) -> listOf(name.padEnd(NAME_WIDTH) + text) + details[name].orEmpty() }
    }

    private fun data(data: DataSummary): List<String> {
        val lengths = data.lengths()
        val told = if (lengths.count() == 0) emptyList() else listOf(
            "tokens ${count(lengths.shortest())} to ${count(lengths.longest())} (${lengths.longestId()}), " +
                "half at most ${count(lengths.median())}, 90 % at most ${count(lengths.p90())}, 99 % at most ${count(lengths.p99())}",
            "lengths ${bars(lengths)} by ${count(lengths.bins().first().let { it.to() - it.from() + 1 })} tokens",
        )
        val cut = if (data.cut() == 0) emptyList() else listOf("${count(data.cut())} cut for their length")
        return (data.notes() + told + cut).map { "".padEnd(NAME_WIDTH) + it }
    }

    /** A bar for each length. */
    private fun bars(lengths: LengthStatistics): String {
        val most = lengths.bins().maxOf { it.count() }
        return lengths.bins().joinToString("") { bin ->
            if (bin.count() == 0) " " else BARS[(bin.count().toLong() * (BARS.length - 1) / most).toInt()].toString()
        }
    }

    private fun parts(memory: MemoryEstimate): List<String> {
        if (memory == MemoryEstimate.UNKNOWN) return emptyList()
        val recomputed = when {
            memory.recomputedBlocks() > 0 ->
                "${memory.recomputedBlocks()} of ${memory.blocks()} blocks recomputed, ${percent(memory.moreProducts())} more operations"
            memory.cheapRecomputed() -> "norms and activations recomputed"
            else -> "nothing recomputed"
        }
        return listOfNotNull(
            "parameters ${bytes(memory.parameterBytes())}, gradients and moments ${bytes(memory.optimizerBytes())}",
            "activations ${bytes(memory.activationBytes())}: $recomputed",
            "head chunk ${bytes(memory.headBytes())}, program ${bytes(memory.programBytes())}",
            if (memory.cacheBytes() > 0) {
                "answers before and after: keys and values ${bytes(memory.cacheBytes())}, the rest ${bytes(memory.generationBytes())}"
            } else {
                null
            },
            if (memory.otherBytes() > 0) "other models before the training ${bytes(memory.otherBytes())}" else null,
            if (memory.passBytes() > 0) "further passes ${bytes(memory.passBytes())}" else null,
            if (memory.copyBytes() > 0) "copies of frozen weights for faster gradients ${bytes(memory.copyBytes())}" else null,
            if (memory.referenceBytes() > 0) "weights of the reference ${bytes(memory.referenceBytes())}" else null,
        ).map { "".padEnd(NAME_WIDTH) + it }
    }

    private fun refusal(plan: RecipePlan): List<String> =
        if (plan.problems.isEmpty()) emptyList() else listOf(Messages.refused("This recipe cannot run", plan.problems))
}
