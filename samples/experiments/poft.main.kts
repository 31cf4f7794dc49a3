#!/usr/bin/env kotlin
/*
 * Do aligned models keep bad samples out of what is learned? Card poft, test 8: where four in ten responses answer another
 * question PoFT is ahead of SFT, whose lead shrinks where none does. Three models that were tuned on problems of their own say
 * how likely every response is; what each objective learned by heart of the wrong responses is told by their perplexity. Run it
 * from the project's root:
 *
 *     scripts/finetune run samples/experiments/poft.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/solutions.main.kts")

import java.nio.file.Files
import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 150
val alignedSteps = minOf(steps, 60)
val work = "runs/poft"

/** Solved problems and responses to them; the share [wrong] has that of the problem before it. */
fun mixed(wrong: Double): Sequence<Pair<Solution, String>> {
    val dice = Dice(5)
    return solutions(1).take(301).zipWithNext { before, one -> one to (if (dice.chance(wrong)) before else one).response }
}

fun write(name: String, answered: Sequence<Pair<Solution, String>>) = writeLines(
    Path.of(work, name),
    answered.map { (one, response) -> record("prompt" to one.problem.prompt, "response" to response) },
)

val shares = listOf(0.4, 0.0)
for (share in shares) write("train-$share.jsonl", mixed(share))
write("wrong.jsonl", mixed(0.4).filter { (one, response) -> response != one.response })
writeLines(Path.of(work, "heldout.jsonl"), solutions(2, reserved = true).take(100).map { it.toJson() })

/** The folder of a model that was tuned on right solutions of its own. */
fun aligned(number: Int): String = "$work/aligned-$alignedSteps-$number/model".also { folder ->
    if (Files.exists(Path.of(folder))) return@also
    writeLines(Path.of(work, "aligned-$number.jsonl"), solutions(10L + number).take(600).map { it.toJson() })
    finetune {
        base("samples/models/tiny")
        data(jsonl("$work/aligned-$number.jsonl"))
        objective(sft())
        train {
            maxSteps = alignedSteps
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
            seed = number.toLong()
        }
        output("$work/aligned-$alignedSteps-$number/run")
    }.use { it.save(folder) }
}

val three = Array(3) { aligned(it + 1) }

study("poft", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        heldOut(jsonl("$work/heldout.jsonl"))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(gsm8kStrict(), perplexity(), forgetting(jsonl("$work/wrong.jsonl"), perplexity()), maxNewTokens = 64)
    }
    equalSteps(steps)
    across("wrong", *shares.toTypedArray()) { data(jsonl("$work/train-$it.jsonl")) }
    baseline("sft") { objective(sft()) }
    sweep("beta", 1.0, 5.0, arm = "poft") { objective(poft(*three, beta = it)) }
}.run()
