package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.optionalValue
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.double
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.long
import org.finetune4j.FinetuneException
import org.finetune4j.bench.GenerationBenchmark
import org.finetune4j.bench.MachineLimits
import org.finetune4j.bench.ScoringBenchmark
import org.finetune4j.bench.StepBenchmark
import org.finetune4j.bench.ThreadSettings
import org.finetune4j.graph.Profile
import org.finetune4j.model.EngineOptions
import org.finetune4j.model.FrozenWeights

/** `finetune bench`: times optimiser steps on random weights and says what share of the machine's limit they reach. */
public class BenchCommand : CliktCommand(name = "bench") {
    private val shape by option(help = "Sizes of a published model").default("smollm2-135m")
    private val batch by option(help = "Sequences per step").int().default(4)
    private val seq by option(help = "Tokens per sequence; $DEFAULT_SEQUENCE by default").int()
    private val lora by option(help = "LoRA rank on all linear layers; 0, the default, trains everything").int()
    private val dtype by option(help = "Type of activations and weights")
        .choice("f32", "bf16").default("f32")
    private val steps by option(help = "Timed steps or passes; $DEFAULT_STEPS by default").int()
    private val supervised by option(help = "Share of positions that carry a label; $DEFAULT_SUPERVISED by default").double()
    private val memory by option(help = "Saves memory: norms and activations are computed again in the reverse pass, and so many " +
        "blocks whole, 0 or more")
        .int()
    private val copies by option(help = "MiB of copies of frozen weights, with --lora and bf16, which saves time")
        .long()
    private val int8 by option(help = "Keep frozen linear layers as bytes, with --lora").flag()
    private val noFusion by option("--no-fusion", help = "Compute every operation by itself").flag()
    private val profile by option(help = "Also print time and achieved rate by operation, or by operation and shapes")
        .choice("ops" to false, "shapes" to true).optionalValue(false)

    private val generate by option(help = "Time generation instead: reading prompts, then adding tokens one by one").flag()
    private val score by option(help = "Time scoring instead: forward passes that give log-probabilities").flag()
    private val prompt by option(help = "Tokens of each prompt, with --generate; $DEFAULT_PROMPT by default").int()
    private val new by option(help = "Tokens added to each prompt, with --generate; $DEFAULT_NEW by default").int()

    override fun help(context: Context): String =
        "Times whole optimiser steps of plain supervised fine-tuning on random weights; prints the median step in " +
            "seconds, tokens per second and peak memory in MiB, then the operations that a step must do, their rate, and " +
            "its share of the best matrix product of this machine, measured in the same run."

    override fun run() {
        try {
            refuseUnused()
            if (generate || score) return forward()
            val recomputed = memory ?: 0
            if (recomputed < 0) throw FinetuneException("--memory must be at least 0 blocks, got $recomputed.")
            val rank = lora ?: 0
            if (int8 && rank == 0) {
                throw FinetuneException("--int8 keeps frozen layers as bytes, and without --lora none is. Add --lora 16, say.")
            }
            val copied = copies ?: 0
            if (copied < 0 || copied > MOST_COPIES || copied > 0 && rank == 0) {
                throw FinetuneException("--copies are MiB of copies of the weights that --lora leaves frozen, 0 to $MOST_COPIES, " +
                    "got $copied${if (rank == 0) " without --lora" else ""}.")
            }
            val fusions = if (noFusion) emptySet() else EngineOptions.DEFAULT.fusions()
            val options = EngineOptions(fusions, memory != null, recomputed, copied shl 20)
            ThreadSettings.current().conflicts().forEach { echo("warning: $it", err = true) }
            val frozen = if (int8) FrozenWeights.INT8 else FrozenWeights.AS_ACTIVATIONS
            val benchmark = StepBenchmark.named(shape, batch, seq ?: DEFAULT_SEQUENCE, dtype, rank,
                supervised ?: DEFAULT_SUPERVISED, steps ?: DEFAULT_STEPS, options, frozen)
            val before = MachineLimits.products(benchmark.precision())
            val result = benchmark.run(profile?.let(::Profile))
            echo(benchmark.line(result))
            // The rest after the steps, whose peak memory must not count what it needs.
            val limits = MachineLimits.measure(benchmark.precision()).atLeast(before)
            echo(benchmark.limitLine(result, limits))
            result.profile()?.let {
                echo(it.table(limits.products().perSecond(), limits.copying().perSecond()), trailingNewline = false)
                echo(limits.toString(), trailingNewline = false)
            }
        } catch (refusal: FinetuneException) {
            echo(refusal.message, err = true)
            throw ProgramResult(EXIT_REFUSED)
        }
    }

    /** Refuses options that the chosen benchmark would not heed. */
    private fun refuseUnused() {
        if (generate && score) throw FinetuneException("--generate and --score are two benchmarks. Give one of them.")
        val training = mapOf("--lora" to lora, "--memory" to memory, "--copies" to copies, "--int8" to int8.given(),
            "--no-fusion" to noFusion.given())
        val passes = mapOf("--seq" to seq, "--supervised" to supervised, "--steps" to steps)
        val generation = mapOf("--prompt" to prompt, "--new" to new)
        val (benchmark, unused) = when {
            generate -> "--generate" to training + passes
            score -> "--score" to training + generation
            else -> "a benchmark of steps" to generation
        }
        val given = unused.filterValues { it != null }.keys
        if (given.isNotEmpty()) {
            throw FinetuneException(
                "$benchmark takes no ${given.joinToString(", ")}. Leave it out, or choose the benchmark it belongs to: " +
                    "${training.keys.joinToString(", ")} are about steps, ${passes.keys.joinToString(", ")} about steps " +
                    "and --score, ${generation.keys.joinToString(", ")} about --generate.",
            )
        }
    }

    private fun Boolean.given(): Boolean? = takeIf { it }

    private fun forward() {
        val times = profile?.let(::Profile)
        val (precision, line) = if (generate) {
            val benchmark = GenerationBenchmark.named(shape, batch, prompt ?: DEFAULT_PROMPT, new ?: DEFAULT_NEW, dtype)
            val result = benchmark.run(times)
            benchmark.precision() to { limits: MachineLimits -> benchmark.line(result, limits) }
        } else {
            val benchmark = ScoringBenchmark.named(shape, batch, seq ?: DEFAULT_SEQUENCE,
                supervised ?: DEFAULT_SUPERVISED, steps ?: DEFAULT_STEPS, dtype)
            val result = benchmark.run(times)
            benchmark.precision() to { limits: MachineLimits -> benchmark.line(result, limits) }
        }
        // After the run, whose peak memory must not count what this needs.
        val limits = MachineLimits.measure(precision)
        echo(line(limits))
        times?.let {
            echo(it.table(limits.products().perSecond(), limits.copying().perSecond()), trailingNewline = false)
            echo(limits.toString(), trailingNewline = false)
        }
    }

    private companion object {
        const val DEFAULT_SEQUENCE = 256
        const val MOST_COPIES = 1L shl 24
        const val DEFAULT_SUPERVISED = 0.5
        const val DEFAULT_STEPS = 5
        const val DEFAULT_PROMPT = 128
        const val DEFAULT_NEW = 64
    }
}
