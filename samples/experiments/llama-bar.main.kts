#!/usr/bin/env kotlin
/*
 * How many questions of each domain does a small model need to pass an exam? The tiny model, which knows nothing of letters and
 * layouts, learns 0 to 50 questions of each of seven domains, each with an explanation and the letter behind it, and is asked
 * others. The study of the bar exam (arXiv 2504.04945): with 10 of each domain hardly any answer is without a letter, accuracy
 * rises and saturates at about 20, the bias to some letters shrinks. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/llama-bar.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/llama-bar.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/exams.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/spread.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.methods.data.exam.AnswerLayout
import org.finetune4j.methods.data.exam.ExamItem
import org.finetune4j.methods.data.exam.ExamScore
import org.finetune4j.tokenizer.Message

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 120
val work = "runs/llama-bar/$steps"

val layout = AnswerLayout(AnswerLayout.Format.JSON, AnswerLayout.Order.FACT_FIRST, false)
val all = examQuestions(1).take(7 * 60).map { it.toJson() }.toList()
val pool = "$work/pool.jsonl".also { writeLines(Path.of(it), all.drop(35).asSequence()) }
val exam = "$work/exam.jsonl".also { writeLines(Path.of(it), all.take(35).asSequence()) }
val items = jsonl(exam).open().samples().map { ExamItem.of(it, false) }
val domains = items.map { it.domain() }.distinct().size

fun score(tuned: TunedModel): ExamScore = ExamScore.of(
    items.map { item ->
        val asked = listOf(Message("system", layout.instruction()), Message("user", item.asked()))
        layout.parse(tuned.generate(asked) { temperature = 0.0; maxNewTokens = 64 })
    },
    items,
    emptyMap(),
)

fun trained(count: Int, rate: Double, length: Long, seeded: Long): TunedModel = finetune {
    base("samples/models/tiny")
    data(jsonl(pool).perGroupSubset(count = count, seed = seeded).answerTemplate(layout.format(), layout.order(), layout.structured()))
    objective(sft())
    train {
        maxSteps = length
        tokensPerBatch = 1024
        optimizer = adamW(lr = rate)
        seed = seeded
    }
    output("$work/$count-$rate-seed-$seeded")
}

val spread = SpreadTable("questions of each domain")
fun add(arm: String, score: ExamScore) {
    spread.add(arm, "accuracy %", 100 * score.accuracy())
    spread.add(arm, "without a letter %", 100 * score.parseFailure())
    spread.add(arm, "bias of letters", 100 * score.optionBias())
    spread.add(arm, "letter and domain right %", 100 * score.combined())
}

// The untrained model: one step of the rate 0.
trained(1, 0.0, 1, 1).use { add("0", score(it)) }
for (seed in 1..seedCount) {
    for (count in listOf(1, 10, 50)) trained(count, 1e-3, steps, seed).use { add("$count", score(it)) }
}
println("\n$spread\n\n$domains domains, ${items.size} questions, $steps steps; the bias is in points, 43 where one letter is all.")
