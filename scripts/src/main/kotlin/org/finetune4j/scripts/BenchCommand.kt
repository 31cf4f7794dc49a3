package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.double
import com.github.ajalt.clikt.parameters.types.int
import org.finetune4j.FinetuneException
import org.finetune4j.bench.StepBenchmark

/** `finetune bench`: times optimiser steps on random weights and prints one line. */
public class BenchCommand : CliktCommand(name = "bench") {
    private val shape by option(help = "Sizes of a published model").default("smollm2-135m")
    private val batch by option(help = "Sequences per step").int().default(4)
    private val seq by option(help = "Tokens per sequence").int().default(256)
    private val lora by option(help = "LoRA rank on all linear layers; 0 trains everything").int().default(0)
    private val dtype by option(help = "Type of activations and weights")
        .choice("f32", "bf16").default("f32")
    private val steps by option(help = "Timed steps").int().default(DEFAULT_STEPS)
    private val supervised by option(help = "Share of positions that carry a label").double().default(0.5)
    private val profile by option(help = "Also print the time by operation").flag()

    override fun help(context: Context): String =
        "Times whole optimiser steps of plain supervised fine-tuning on random weights; prints the median step in " +
            "seconds, tokens per second and peak memory in MiB."

    override fun run() {
        try {
            val benchmark = StepBenchmark.named(shape, batch, seq, dtype, lora, supervised, steps)
            val result = benchmark.run(profile)
            echo(benchmark.line(result))
            result.profile()?.let { echo(it.toString()) }
        } catch (refusal: FinetuneException) {
            echo(refusal.message, err = true)
            throw ProgramResult(EXIT_REFUSED)
        }
    }

    private companion object {
        const val DEFAULT_STEPS = 5
    }
}
