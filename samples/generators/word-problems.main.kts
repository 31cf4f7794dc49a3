/*
 * The quickstart's task: word problems of two steps. Every prompt comes with several correct answers in different
 * styles; `steps` is how the base model's corpus works out sums, `story` is plain English near it, and the others are
 * styles that the corpus never shows. All end with the line `#### <answer>` that exact match looks for.
 */
@file:Import("dice.main.kts")
@file:Import("files.main.kts")
@file:Import("sums.main.kts")

import java.nio.file.Path

/**
 * One candidate answer.
 *
 * @property text the whole answer
 * @property source the style it is written in: `steps`, `story`, `telegram`, `nested`, `xml` or `backwards`
 */
class Candidate(val text: String, val source: String)

/**
 * A prompt, its candidate answers in random order, and the answer alone as digits.
 *
 * @property prompt the user's turn
 * @property responses candidates with different sources; empty for a held-out problem
 * @property answer the digits after `#### `
 */
class TaskRecord(val prompt: String, val responses: List<Candidate>, val answer: String) {
    /** This record as one line of JSON, without the line break; `responses` is left out when there is none. */
    fun toJson(): String {
        val candidates = responses.joinToString(", ") { "{\"text\": ${quoted(it.text)}, \"source\": ${quoted(it.source)}}" }
        val middle = if (responses.isEmpty()) "" else "\"responses\": [$candidates], "
        return "{\"prompt\": ${quoted(prompt)}, $middle\"answer\": ${quoted(answer)}}"
    }

    // The generators write printable ASCII and line breaks only, so these three escapes are all that JSON needs.
    private fun quoted(text: String) =
        "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\""
}

private val names = mapOf('+' to "PLUS", '-' to "MINUS", '*' to "TIMES")

private fun steps(problem: WordProblem) = problem.sum.equations.joinToString(" ") { "$it." }

private fun story(problem: WordProblem) = problem.sum.equations.let { (first, second) ->
    "At first ${problem.person.name} has $first ${problem.thing}. Then ${problem.person.she} has $second ${problem.thing}."
}

private fun telegram(problem: WordProblem) = problem.sum.let { sum ->
    "START ${sum.start} STOP " + sum.steps.indices.joinToString(" ") { i ->
        "${names[sum.steps[i].operator]} ${sum.steps[i].amount} MAKES ${sum.totals[i]} STOP"
    }
}

private fun nested(problem: WordProblem) = problem.sum.let { sum ->
    val (one, two) = sum.steps.map { "${it.operator} (${it.amount})" }
    val (first, second) = sum.totals
    "(((${sum.start}) $one) $two) => (($first) $two) => ($second)"
}

private fun xml(problem: WordProblem) = problem.sum.let { sum ->
    "<work><start>${sum.start}</start>" + sum.steps.indices.joinToString("") { i ->
        "<step by=\"${sum.steps[i].operator}${sum.steps[i].amount}\">${sum.totals[i]}</step>"
    } + "</work>"
}

private fun backwards(problem: WordProblem) = problem.sum.equations.let { (first, second) ->
    "It is ${problem.answer}, for before that $second, and still before that $first."
}

private val unnatural: Map<String, (WordProblem) -> String> =
    mapOf("telegram" to ::telegram, "nested" to ::nested, "xml" to ::xml, "backwards" to ::backwards)

private fun Dice.candidates(problem: WordProblem): List<Candidate> {
    val natural = if (chance(0.8)) mapOf("steps" to ::steps) else mapOf("story" to ::story)
    val styles = natural.entries.toList() + sample(unnatural.entries.toList(), 3)
    return shuffled(styles).map { (source, write) -> Candidate("${write(problem)}\n#### ${problem.answer}", source) }
}

private fun problems(seed: Long, reserved: Boolean): Sequence<Pair<Dice, WordProblem>> {
    val dice = Dice(seed)
    return generateSequence { dice to dice.wordProblem(dice.sum(2, reserved)) }.distinctBy { it.second.prompt }
}

/**
 * Returns the endless stream of training problems for [seed], no prompt twice: each with four correct candidates, one
 * of them `steps` (mostly) or `story`, the other three in styles that the base model never saw.
 */
fun quickstartCandidates(seed: Long): Sequence<TaskRecord> =
    problems(seed, reserved = false).map { (dice, problem) -> TaskRecord(problem.prompt, dice.candidates(problem), problem.answer) }

/**
 * Returns the endless stream of held-out problems for [seed], no prompt twice. Their sums are reserved, so neither the
 * candidates nor the pretraining corpus holds a problem with the same three numbers in the same places.
 */
fun quickstartHeldOut(seed: Long): Sequence<TaskRecord> =
    problems(seed, reserved = true).map { (_, problem) -> TaskRecord(problem.prompt, emptyList(), problem.answer) }

/**
 * Writes `quickstart-candidates.jsonl` with [candidates] problems and `quickstart-heldout.jsonl` with [heldOut] problems
 * into [folder], and fails rather than write a held-out problem that is also a training problem.
 */
fun writeQuickstart(folder: Path, seed: Long, candidates: Int, heldOut: Int) {
    val training = quickstartCandidates(seed).take(candidates).toList()
    val testing = quickstartHeldOut(seed + 1).take(heldOut).toList()
    val shared = testing.map { it.prompt }.toSet() intersect training.map { it.prompt }.toSet()
    check(shared.isEmpty()) { "${shared.size} held-out problems are training problems too, such as: ${shared.first()}" }
    writeLines(folder.resolve("quickstart-candidates.jsonl"), training.asSequence().map { it.toJson() })
    writeLines(folder.resolve("quickstart-heldout.jsonl"), testing.asSequence().map { it.toJson() })
}
