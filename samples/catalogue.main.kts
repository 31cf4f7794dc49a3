#!/usr/bin/env kotlin
/*
 * One small recipe for every method that no other sample shows, on the tiny model: what it wants of the data and how it is
 * said. Run it from the project's root, all of it or the methods that are named:
 *
 *     scripts/finetune run samples/catalogue.main.kts
 *     scripts/finetune run samples/catalogue.main.kts faultWeighted cft
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import java.nio.file.Files
import java.nio.file.Path
import org.finetune4j.data.TooLong
import org.finetune4j.dsl.*

fun file(name: String, rows: List<String>): String {
    val path = Path.of("runs/catalogue/data/$name.jsonl")
    Files.createDirectories(path.parent)
    return Files.write(path, rows).toString()
}

fun sums(row: (Int, Int) -> String): List<String> = (2..13).map { row(it, 3 * it + 1) }

// Fields that methods read beside prompt and response.
val scored = file("scored", sums { a, b ->
    """{"prompt": "$a + $b", "response": "$a + $b = ${a + b}.", "alignedScores": [-0.4, -${a / 10.0}]}"""
})
val faulty = file("faulty", sums { a, b ->
    """{"prompt": "$a + $b", "response": "$a + $b = ${a + b}.", "faulty": ["$a + $b = ${a + b + 1}.", "$a - $b = ${a + b}."]}"""
})
val calls = file("calls", sums { a, b ->
    """{"messages": [{"role": "user", "content": "$a and $b"}, {"role": "assistant", "content": "${if (a % 2 == 0) "add" else "addAll"}($a, $b)"}],
        "tools": [{"type": "function", "function": {"name": "add"}}, {"type": "function", "function": {"name": "addAll"}}]}""".replace("\n", "")
})
val branching = file("branching", sums { a, b ->
    val doubt = if (a % 4 == 0) "\\n\\nPerhaps not.\\n\\nAlternatively, count." else ""
    """{"prompt": "$a + $b", "response": "Add $b to $a.$doubt\\n\\nSo it is ${a + b}.", "domain": "${if (a % 2 == 0) "even" else "odd"}"}"""
})
val critiques = file("critiques", sums { a, b ->
    val told = a + b + a % 2
    val verdict = if (told == a + b) "right" else "wrong"
    """{"prompt": "$a + $b", "response": "$a + $b = $told.", "critique": "$a + $b is ${a + b}.\\nConclusion: $verdict"}"""
})
val drafts = file("drafts", sums { a, b ->
    """{"prompt": "$a + $b", "responses": ["${a + b}", "${a + b + 1}", "${a + b}", "${a * b}"], "aggregate": "$a + $b = ${a + b}."}"""
})
val exam = file("exam", sums { a, b ->
    """{"prompt": "What is $a + $b?", "answer": "B", "domain": "${if (a % 2 == 0) "even" else "odd"}",
        "options": ["${a + b - 1}", "${a + b}", "${a + b + 1}", "$b"], "explanation": "Add $b to $a."}""".replace("\n", "")
})
val pairs = file("pairs", sums { a, b ->
    """{"prompt": "$b + $a", "chosen": "${a + b}", "rejected": "${a * b}"}"""
})
val questions = file("questions", sums { a, b ->
    """{"prompt": "Tom has $a nuts. He buys $b more. How many nuts does Tom have now?", "response": "#### ${a + b}", "answer": "${a + b}"}"""
})
val plain = file("plain", sums { a, b -> """{"prompt": "$a + $b", "response": "$a + $b = ${a + b}."}""" })
val documents = file("documents", sums { a, b -> """{"text": "${(1..40).joinToString(" ") { "$a $b" }}"}""" })

val turns = chatTemplate(supervise = Turns.LAST)
val recipes: Map<String, RecipeScope.() -> Unit> = mapOf(
    // Objectives
    "poft" to { data(jsonl(scored)); objective(poft()) },
    "discriminative" to { data(jsonl(plain)); objective(discriminative(perEpoch = 1, maxNewTokens = 8)) },
    "faultWeighted" to { data(jsonl(faulty)); objective(faultWeighted()) },
    "keyTokenSft" to { data(jsonl(calls)); objective(keyTokenSft()) },
    // Chosen before the training
    "branchFilter" to { data(jsonl(branching)); select(branchFilter(keep = 0.8)) },
    "cotBySampling" to {
        data(jsonl(questions))
        select(cotBySampling(judge = exactAnswer(gsm8kStrict()), tries = 4, maxNewTokens = 48))
    },
    "cft" to { data(jsonl(critiques)); select(cft()) },
    "aft" to { data(jsonl(drafts)); select(aft()) },
    // Data that methods make or rewrite
    "sokoban" to { data(sokoban(rows = 24)) },
    "figletRiddles" to { data(figletRiddles(rows = 24, shortest = 2, longest = 3)) },
    "nameDescriptions" to { data(nameDescriptions()) },
    "biographies" to { data(biographies(people = 12)) },
    "entityRelations" to { data(entityRelations()) },
    "syntheticTables" to { data(syntheticTables(rows = 12, length = 200)) },
    "needle" to { data(needle(lengths = listOf(100), each = 2)) },
    "overlapSplit" to { data(formalStatements(rows = 60).overlapSplit(sft = 24, rl = 24, overlap = 0.3).sft) },
    "budgetSplit" to { data(jsonl(plain).budgetSplit(jsonl(pairs), budget = 12.0, sftShare = 0.5).sft) },
    "perGroupSubset" to { data(jsonl(branching).perGroupSubset(count = 4)) },
    "dropSteps" to { data(jsonl(branching).dropSteps(0.3)) },
    "answerTemplate" to { data(jsonl(exam).answerTemplate(structured = false)) },
    "toolTrajectories" to { data(jsonl(calls).toolTrajectories(maskAdverse = false), turns) },
    "inContext" to { data(jsonl(plain).inContext(k = 2), turns) },
    "chunkInterleaved" to { data(jsonl(documents).chunkInterleaved(chunk = 16, documents = 3, length = 200)) },
)

val chosen = if (args.isEmpty()) recipes.keys else args.toSet()
(chosen - recipes.keys).forEach { println("there is no recipe for $it; there are ${recipes.keys.joinToString()}") }
recipes.filterKeys { it in chosen }.forEach { (name, content) ->
    println("\n== $name")
    finetune {
        base("samples/models/tiny")
        content()
        train {
            maxSteps = 2
            tokensPerBatch = 1024
            tooLong = TooLong.DROP
        }
        output("runs/catalogue/$name")
    }.close()
}
