#!/usr/bin/env kotlin
/*
 * Does training on what a model is examined to lack beat as many samples of everything (STAT-Sel, arXiv 2510.10023)? The tiny
 * base never saw a number above 99, so that it can add, subtract and multiply but not carry into hundreds; of the pool one
 * question in twenty-five needs that. A teacher by rule names the skills of each question that is answered badly. In the paper
 * STAT-Sel gains 7 points on MATH where SFT gains 1. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/stat.main.kts
 *
 * Afterwards each run's model is examined again: what did it stop lacking?
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/stat.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/oracle.main.kts")
@file:Import("../generators/records.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 80
val folder = Path.of("runs/experiments/stat/data")
val size = 400

class Problem(val a: Int, val operator: Char, val b: Int) {
    val result = when (operator) { '+' -> a + b; '-' -> a - b; else -> a * b }
    val kind = when { result > 99 -> "carry"; operator == '+' -> "plus"; operator == '-' -> "minus"; else -> "times" }
    val skills = if (kind == "carry") "plus, carry" else kind
    val isHeldOut = (7 * a + 3 * b) % 5 == 0

    fun toRecord() = record(
        "prompt" to "What is $a $operator $b?", "response" to "$a $operator $b = $result.", "answer" to "$result", "skills" to skills,
    )
}

fun problems(seed: Long, heldOut: Boolean, kinds: Map<String, Double>) = Dice(seed).let { dice ->
    fun one(kind: String): Problem = generateSequence {
        when (kind) {
            "times" -> Problem(dice.between(2, 9), '*', dice.between(2, 9))
            "minus" -> Problem(dice.between(10, 99), '-', dice.between(2, 49))
            else -> Problem(dice.between(10, 99), '+', dice.between(10, 99))
        }
    }.first { it.kind == kind && it.isHeldOut == heldOut && it.result > 0 }
    generateSequence { one(dice.weighted(kinds)) }
}

fun rows(name: String, problems: Sequence<Problem>, count: Int) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), problems.take(count).map { it.toRecord() })
}

val usual = mapOf("plus" to 0.32, "minus" to 0.32, "times" to 0.32)
val pool = rows("pool", problems(1, heldOut = false, usual + ("carry" to 0.04)), 4000)
val examined = rows("validation", problems(2, heldOut = true, usual + ("carry" to 0.32)), 100)
val carryTest = rows("carry", problems(3, heldOut = true, mapOf("carry" to 1.0)).distinctBy { it.a to it.b }, 60)
val elsewhere = rows("elsewhere", problems(4, heldOut = true, usual).distinctBy { Triple(it.a, it.b, it.operator) }, 60)

val teacher = Oracle { _, asked, _ ->
    val (a, operator, b) = Regex("""What is (\d+) ([-+*]) (\d+)\?""").find(asked)!!.destructured
    Problem(a.toInt(), operator.single(), b.toInt()).skills
}

fun targeted(perSkill: Int, size: Int, seed: Long) = stat(
    validation = examined, hard = exactAnswer(), teacher = teacher.source("teacher"), perSkill = perSkill, size = size,
    maxNewTokens = 16, seed = seed,
)

val results = study("stat", "runs/experiments/stat/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        heldOut(jsonl(carryTest))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 5e-4)
        }
        evaluate(gsm8kFlexible(), forgetting(jsonl(elsewhere), gsm8kFlexible()), maxNewTokens = 16)
    }
    equalSteps(steps)
    baseline("uniform") { data(jsonl(pool).shuffle(seed = seed).take(size.toLong()), chatTemplate()) }
    arm("stat") {
        data(jsonl(pool), chatTemplate())
        select(targeted(perSkill = 12, size = size, seed = seed))
    }
}.run()

for (trained in results.runs) {
    println("\nexamined again: ${trained.arm}, seed ${trained.seed}")
    finetune {
        base("samples/models/tiny")
        continueFrom("${results[trained.arm].folder(trained.seed)}")
        data(jsonl(pool), chatTemplate())
        select(targeted(perSkill = 1, size = 0, seed = trained.seed))
        train { maxSteps = 1 }
        output("runs/experiments/stat/$steps/again/${trained.arm}-${trained.seed}")
    }.use { }
}
