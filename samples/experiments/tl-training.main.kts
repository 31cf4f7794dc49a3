#!/usr/bin/env kotlin
/*
 * Does a model choose the right tool more often when the tokens that decide weigh more, and when calls that failed are not
 * learned? Users ask for one of twelve tools whose names begin alike; of the recorded conversations one in five begins with a
 * wrong call, which the tool answers with an error. TL-Training's paper (arXiv 2412.15495): both raise the choice of tools (TS)
 * from 74.6 to 87.7 % and whole calls (CF) from 43.0 to 57.9 %, together with reinforcement learning, which is not part of
 * this. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/tl-training.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/tl-training.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")

import java.nio.file.Path
import kotlinx.serialization.json.*
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.study

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 120
val work = "runs/tl-training/$steps"

/** What users ask for, by the tool that does it; `%d` is the number of what it is about. */
val requests = mapOf(
    "get_user" to "Show me person %d.",
    "get_user_name" to "What is person %d called?",
    "get_user_cards" to "Which cards has person %d?",
    "get_box" to "Show me box %d.",
    "get_box_name" to "What is box %d called?",
    "get_box_keys" to "Which keys has box %d?",
    "set_user" to "Make a new person %d.",
    "set_user_name" to "Give person %d another name.",
    "set_box" to "Make a new box %d.",
    "set_box_name" to "Give box %d another name.",
    "find_user" to "Where is person %d?",
    "find_box" to "Where is box %d?",
)
val tools = JsonArray(requests.keys.map { name -> buildJsonObject { put("type", "function"); putJsonObject("function") { put("name", name) } } })

fun turn(role: String, content: String) = buildJsonObject { put("role", role); put("content", content) }

/** A conversation about an even number that ends with the right call; with the probability [failing] a wrong one and its error stand before it. */
fun Dice.conversation(failing: Double): String {
    val (name, request) = pick(requests.toList())
    val number = 2 * between(5, 49)
    val wrong = pick(requests.keys.filter { it != name && it.substringBefore('_') == name.substringBefore('_') })
    val before = if (chance(failing)) {
        listOf(turn("assistant", "$wrong(id=$number)"), turn("tool", "{\"error\": \"Invalid API call\"}"))
    } else {
        emptyList()
    }
    return buildJsonObject {
        put("messages", JsonArray(listOf(turn("user", request.format(number))) + before + turn("assistant", "$name(id=$number)")))
        put("tools", tools)
    }.toString()
}

/** Plain questions, about odd numbers, for the calls that are right, of which `answer` is the part [of]. */
fun questions(name: String, of: (String, Int) -> String) = "$work/$name.jsonl".also { path ->
    val dice = Dice(2)
    writeLines(Path.of(path), requests.asSequence().flatMap { (tool, request) ->
        List(4) { 2 * dice.between(5, 49) + 1 }.asSequence().map { number ->
            buildJsonObject { put("prompt", request.format(number)); put("answer", of(tool, number)) }.toString()
        }
    })
}

val train = "$work/train.jsonl".also { path ->
    Dice(1).let { dice -> writeLines(Path.of(path), generateSequence { dice.conversation(failing = 0.2) }.take(240)) }
}
val chosen = jsonl(questions("tools") { tool, _ -> tool })
val whole = jsonl(questions("calls") { tool, number -> "$tool(id=$number)" })

study("tl-training", "$work/study") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl(train).toolTrajectories(maskAdverse = false), chatTemplate(supervise = Turns.LAST))
        heldOut(chosen)
        train {
            tokensPerBatch = 512
            optimizer = adamW(lr = 2e-3)
        }
        evaluate(exactMatch(extract = "^([a-z_]+)\\("), forgetting(on = whole), maxNewTokens = 24)
    }
    equalSteps(steps)
    baseline("sft") {}
    arm("failed calls not learned") { data(jsonl(train).toolTrajectories(), chatTemplate(supervise = Turns.LAST)) }
    arm("keyTokenSft") { objective(keyTokenSft()) }
    arm("both") {
        data(jsonl(train).toolTrajectories(), chatTemplate(supervise = Turns.LAST))
        objective(keyTokenSft())
    }
}.run()
