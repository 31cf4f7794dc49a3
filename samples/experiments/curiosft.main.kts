#!/usr/bin/env kotlin
/*
 * Does CurioSFT stay open? Card curiosft, test 7: after many passes over few samples held-out entropy stays above SFT's, and
 * the loss of held-out responses below it. Every response is written in one of three styles, so that there is something to
 * be open about. Entropy is the surprise of a model's own drawn answers, in nats a token; what being open is good for is
 * told by pass@8. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/curiosft.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/solutions.main.kts")
@file:Import("../generators/styles.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.evaluate.Examinee.Continuation
import org.finetune4j.methods.evaluate.Sampling

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 200
val work = "runs/curiosft"

/** Word problems, each solved in one of three styles. */
fun solved(seed: Long, reserved: Boolean, count: Int) = "$work/${if (reserved) "heldout" else "train"}.jsonl".also { file ->
    val dice = Dice(seed)
    writeLines(Path.of(file), solutions(seed, reserved).take(count).map { it.problem }.map { problem ->
        val style = dice.pick(stepsStyle, storyStyle, telegramStyle)
        record("prompt" to problem.prompt, "response" to "${style.write(problem)}\n#### ${problem.answer}", "answer" to problem.answer)
    })
}.let { jsonl(it) }

study("curiosft", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(solved(1, reserved = false, count = 200))
        heldOut(solved(2, reserved = true, count = 80))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(
            gsm8kStrict(),
            passAtK(k = 8, n = 8, by = exactAnswer(gsm8kStrict()), temperature = 1.0, topP = 1.0),
            metric("entropy", answersPerPrompt = 2) { samples, model ->
                val drawn = model.answers(samples, Sampling(2, 1.0, 1.0, 7))
                val texts = samples.zip(drawn).flatMap { (sample, answers) -> answers.filter { it.isNotEmpty() }.map { Continuation(sample, it) } }
                model.likelihoods(texts).map { -it.sum() / it.tokens() }
            },
            perplexity(),
            maxNewTokens = 64,
        )
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    sweep("teacherMix", 0.99, 0.01, arm = "curioSft") { objective(curioSft(teacherMix = it)) }
}.run()
