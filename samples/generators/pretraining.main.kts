/*
 * The corpus of the tiny base model: endless, seeded streams of short English documents and dialogues.
 *
 * Documents hold arithmetic with worked steps, stories with sums, facts about invented islands, lists and sorting,
 * JSON records and small programs. Dialogues hold the same skills as questions. One thing is done on purpose: when a
 * dialogue asks how many there are now, the answer is mostly blurted out (`#### 14`); only when it asks how many there
 * are in the end is it mostly worked out. The documents work out every sum. So the base model knows how to calculate
 * but, asked, mostly guesses, and the quickstart's fine-tuning shows it to calculate first. Sums reserved for held-out
 * problems occur nowhere in this corpus.
 */
@file:Import("dice.main.kts")
@file:Import("styles.main.kts")
@file:Import("sums.main.kts")
@file:Import("worlds.main.kts")

/**
 * One turn of a dialogue.
 *
 * @property role `system`, `user` or `assistant`
 * @property content what is said
 */
class Message(val role: String, val content: String)

private fun Dice.drill(): String {
    val sums = mutableListOf<Sum>()
    repeat(between(4, 9)) {
        val sum = sum(1)
        // Two neighbours that happen to chain could chain a reserved sum.
        if (sums.lastOrNull()?.result != sum.start) sums += sum
    }
    return sums.joinToString(" ") { "${it.equations[0]}." }
}

private fun Dice.workedSum(): String {
    val sum = sum(between(2, 3))
    val opening = pick("Work out ${sum.expression}.", "What is ${sum.expression}?", "We want ${sum.expression}.")
    val closing = pick("The result is ${sum.result}.", "So the answer is ${sum.result}.", "It is ${sum.result}.")
    return "$opening ${sum.equations.joinToString(" ") { "$it." }} $closing"
}

// Seldom, and in documents alone, so that such styles are known but not natural to the model when it is asked.
private fun Dice.oddStyle(): String =
    wordProblem(sum(2)).let { "Work out ${it.sum.expression}. ${pick(oddStyles + storyStyle).write(it)}" }

private fun Dice.story(): String {
    val problem = wordProblem(sum(between(1, 3)))
    // A product is told by the opening sentence itself; any other step has a sentence of its own after the opening.
    val told = if (problem.sum.steps[0].operator == '*') problem.sentences else problem.sentences.drop(1)
    val opening = problem.sentences.take(problem.sentences.size - told.size)
    val worked = told.zip(problem.sum.equations) { sentence, equation -> "$sentence $equation." }
    val closing = "Now ${problem.person.name} has ${problem.answer} ${problem.thing}."
    return (opening + worked + closing).joinToString(" ")
}

private fun Dice.islandPage(): String {
    val island = pick(islands)
    return sample(island.facts.keys.toList(), between(3, 6)).joinToString(" ") { statement(island, it) }
}

private fun Dice.numbers(): List<Int> = List(between(3, 6)) { between(1, 99) }

private fun Dice.listPage(): String {
    if (chance(0.3)) {
        val words = sample(things, between(3, 5))
        return "Words: ${words.joinToString(", ")}. " + pick(
            "In order: ${words.sorted().joinToString(", ")}.",
            "Backwards: ${words.reversed().joinToString(", ")}.",
        )
    }
    val numbers = numbers()
    return "Numbers: ${numbers.joinToString(", ")}. " + pick(
        "Sorted: ${numbers.sorted().joinToString(", ")}.",
        "Backwards: ${numbers.reversed().joinToString(", ")}.",
        "The largest is ${numbers.max()} and the smallest is ${numbers.min()}.",
        "There are ${numbers.size} of them and the first is ${numbers.first()}.",
    )
}

private class Card(val person: Person, val age: Int, val island: Island, val likes: List<String>) {
    val json = "{\"name\": \"${person.name}\", \"age\": $age, \"home\": \"${island.name}\", " +
        "\"likes\": [${likes.joinToString(", ") { "\"$it\"" }}]}"
    val prose = "${person.name} is $age years old, lives on ${island.name} and likes ${likes.joinToString(" and ")}."
}

private fun Dice.card() = Card(pick(people), between(6, 90), pick(islands), sample(things, between(1, 2)))

private fun Dice.recordPage(): String = card().let { if (chance(0.5)) it.json else "${it.prose}\n${it.json}" }

private fun Dice.program(): String {
    val sum = sum(2)
    val (x, y) = pick("x" to "y", "a" to "b", "n" to "m")
    val (one, two) = sum.steps
    return when (between(0, 2)) {
        0 -> "$x = ${sum.start}\n$y = $x ${one.operator} ${one.amount}\nprint($y)  # ${sum.totals[0]}"
        1 -> "val $x = ${sum.start}\nval $y = $x ${one.operator} ${one.amount}\n" +
            "println($y ${two.operator} ${two.amount}) // ${sum.result}"
        else -> numbers().let { "items = [${it.joinToString(", ")}]\nprint(len(items))  # ${it.size}" }
    }
}

private val documentKinds: Map<Dice.() -> String, Double> = mapOf(
    Dice::drill to 3.0,
    Dice::workedSum to 3.0,
    Dice::story to 3.0,
    Dice::oddStyle to 0.7,
    Dice::islandPage to 1.5,
    Dice::listPage to 1.5,
    Dice::recordPage to 1.0,
    Dice::program to 1.0,
)

private fun Dice.solution(problem: WordProblem): String {
    val steps = stepsStyle.write(problem)
    if (chance(if (problem.ending == "now") 0.25 else 0.8)) {
        return steps + if (chance(0.7)) "\n#### ${problem.answer}" else " So the answer is ${problem.answer}."
    }
    val blurted = "#### ${problem.answer}"
    val told = "${problem.person.name} has ${problem.answer} ${problem.thing} ${problem.ending}."
    return if (chance(0.75)) blurted else told
}

private fun Dice.wordProblemTurns(): List<Message> {
    val problem = wordProblem(sum(if (chance(0.7)) 2 else 1))
    return listOf(Message("user", problem.prompt), Message("assistant", solution(problem)))
}

private fun Dice.islandTurns(): List<Message> {
    val island = pick(islands)
    return sample(island.facts.keys.toList(), between(1, 3)).flatMap { key ->
        listOf(Message("user", question(island, key)), Message("assistant", statement(island, key)))
    }
}

private fun Dice.sumTurns(): List<Message> = sum(1).let { sum ->
    val request = pick("What is ${sum.expression}?", "Work out ${sum.expression}.", "Please tell me ${sum.expression}.")
    listOf(Message("user", request), Message("assistant", sum.equations[0] + "."))
}

private fun Dice.listTurns(): List<Message> {
    val numbers = numbers()
    val list = numbers.joinToString(", ")
    val (request, answer) = pick(
        "Sort these numbers: $list" to numbers.sorted().joinToString(", "),
        "Which is the largest of $list?" to "The largest is ${numbers.max()}.",
        "Say these backwards: $list" to numbers.reversed().joinToString(", "),
    )
    return listOf(Message("user", request), Message("assistant", answer))
}

private fun Dice.recordTurns(): List<Message> = card().let { card ->
    listOf(Message("user", "Write this as JSON: ${card.prose}"), Message("assistant", card.json))
}

private fun Dice.greetingTurns(): List<Message> {
    val name = pick(people).name
    return listOf(
        Message("user", pick("Hello, I am $name.", "Good morning. My name is $name.", "Hi! $name here.")),
        Message("assistant", pick("Hello $name, how can I help you?", "Good to meet you, $name. What shall we do?")),
    )
}

private val dialogueKinds: Map<Dice.() -> List<Message>, Double> = mapOf(
    Dice::wordProblemTurns to 5.0,
    Dice::islandTurns to 1.5,
    Dice::sumTurns to 1.0,
    Dice::listTurns to 1.0,
    Dice::recordTurns to 0.5,
    Dice::greetingTurns to 0.3,
)

private fun Dice.dialogue(): List<Message> {
    val turns = weighted(dialogueKinds)(this)
    val greeted = if (chance(0.05)) greetingTurns() + turns else turns
    return if (chance(0.05)) listOf(Message("system", "You are a helpful assistant.")) + greeted else greeted
}

/** Returns the endless stream of plain documents for [seed]; each is one text without special tokens. */
fun pretrainingDocuments(seed: Long): Sequence<String> =
    Dice(seed).let { dice -> generateSequence { dice.weighted(documentKinds)(dice) } }

/** Returns the endless stream of dialogues for [seed]; each starts with a system or user turn and ends answered. */
fun pretrainingDialogues(seed: Long): Sequence<List<Message>> =
    Dice(seed).let { dice -> generateSequence { dice.dialogue() } }
