package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.double
import com.github.ajalt.clikt.parameters.types.int
import org.finetune4j.bench.Shape
import org.finetune4j.bench.StepBenchmark
import org.finetune4j.kernel.onednn.OneDnnKernels
import org.finetune4j.methods.objective.Sft
import org.finetune4j.model.Precision

/** `finetune bench`: times optimiser steps on random weights and prints one line. */
public class BenchCommand : CliktCommand(name = "bench") {
    private val shape by option(help = "Sizes of a published model").default("smollm2-135m")
    private val batch by option(help = "Sequences per step").int().default(4)
    private val seq by option(help = "Tokens per sequence").int().default(256)
    private val lora by option(help = "LoRA rank on all linear layers; 0 trains everything").int().default(0)
    private val dtype by option(help = "Type of activations and weights")
        .choice("f32" to Precision.F32, "bf16" to Precision.BF16).default(Precision.F32)
    private val steps by option(help = "Timed steps").int().default(DEFAULT_STEPS)
    private val supervised by option(help = "Share of positions that carry a label").double().default(0.5)
    private val profile by option(help = "Also print the time by operation").flag()

    override fun help(context: Context): String =
        "Times whole optimiser steps of plain supervised fine-tuning on random weights; prints the median step in " +
            "seconds, tokens per second and peak memory in MiB."

    override fun run() {
        val benchmark = StepBenchmark(Shape.named(shape), batch, seq, dtype, lora, supervised, steps)
        OneDnnKernels().use { kernels ->
            val result = benchmark.run(kernels, Sft.METHOD.create(org.finetune4j.methods.Settings(mapOf<String, Any>())), profile)
            echo(benchmark.line(result))
            result.profile()?.let { echo(it.toString()) }
        }
    }

    private companion object {
        const val DEFAULT_STEPS = 5
    }
}
