/*
 * What the tiny base knows beside word problems, to see what fine-tuning on something else takes from it.
 */
@file:Import("dice.main.kts")
@file:Import("records.main.kts")
@file:Import("sums.main.kts")
@file:Import("worlds.main.kts")

/** Stands between the right answers of [islandQuestions], as in `exactMatch(referenceSeparator = EITHER)`. */
val EITHER: String = " | "

/** Every way in which the base's corpus states the fact [key] of [island]. */
fun statements(island: Island, key: String): List<String> =
    Dice(1).let { dice -> List(40) { dice.statement(island, key) }.distinct().sorted() }

/** Returns the endless stream of records that ask for a sum of two numbers, in the words of the corpus. */
fun sumQuestions(seed: Long): Sequence<String> = Dice(seed).let { dice ->
    generateSequence { dice.sum(1) }.map { sum ->
        record("prompt" to "What is ${sum.expression}?", "response" to "${sum.equations[0]}.", "answer" to "${sum.equations[0]}.")
    }
}

/** Returns the endless stream of records that ask for a fact about an island; either way of stating it is right. */
fun islandQuestions(seed: Long): Sequence<String> = Dice(seed).let { dice ->
    generateSequence { dice.pick(islands).let { it to dice.pick(it.facts.keys.toList()) } }.map { (island, key) ->
        val right = statements(island, key)
        record("prompt" to question(island, key), "response" to dice.pick(right), "answer" to right.joinToString(EITHER))
    }
}
