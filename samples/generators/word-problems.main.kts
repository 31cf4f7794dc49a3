/*
 * The quickstart's task: word problems of two steps. Every prompt comes with several correct answers in different
 * styles; `steps` is how the base model's corpus works out sums, `story` is plain English near it, and the others are
 * styles that the corpus hardly shows. All end with the line `#### <answer>` that exact match looks for.
 */
@file:Import("dice.main.kts")
@file:Import("files.main.kts")
@file:Import("styles.main.kts")
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
        val candidates = responses.map { "{\"text\": ${quoted(it.text)}, \"source\": ${quoted(it.source)}}" }
        val middle = if (candidates.isEmpty()) "" else "\"responses\": [${candidates.joinToString(", ")}], "
        return "{\"prompt\": ${quoted(prompt)}, $middle\"answer\": ${quoted(answer)}}"
    }

    // The generators write printable ASCII and line breaks only, so these three escapes are all that JSON needs.
    private fun quoted(text: String) =
        "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\""
}

private fun Dice.candidates(problem: WordProblem, styles: List<Style>): List<Candidate> =
    shuffled(styles).map { Candidate("${it.write(problem)}\n#### ${problem.answer}", it.source) }

private fun Dice.quickstartStyles(): List<Style> {
    val natural = weighted(
        mapOf(listOf(stepsStyle) to 0.6, listOf(storyStyle) to 0.2, listOf(stepsStyle, storyStyle) to 0.2),
    )
    return natural + sample(oddStyles, 4 - natural.size)
}

private fun problems(seed: Long, reserved: Boolean): Sequence<Pair<Dice, WordProblem>> {
    val dice = Dice(seed)
    return generateSequence { dice to dice.wordProblem(dice.sum(2, reserved)) }.distinctBy { it.second.prompt }
}

/**
 * Returns the endless stream of training problems for [seed], no prompt twice: each with four correct candidates, one
 * or two of them `steps` or `story`, the others in styles that the base model's corpus hardly shows, and never when it
 * is asked something.
 */
fun quickstartCandidates(seed: Long): Sequence<TaskRecord> = problems(seed, reserved = false).map { (dice, problem) ->
    TaskRecord(problem.prompt, dice.candidates(problem, dice.quickstartStyles()), problem.answer)
}

/**
 * Returns the endless stream of training problems for [seed] that shows whether the choice of candidates matters: every
 * problem has the same three, `steps` (the style of the corpus), `story` and `backwards`.
 */
fun styleCandidates(seed: Long): Sequence<TaskRecord> = problems(seed, reserved = false).map { (dice, problem) ->
    val styles = listOf(stepsStyle, storyStyle, backwardsStyle)
    TaskRecord(problem.prompt, dice.candidates(problem, styles), problem.answer)
}

/**
 * Returns the endless stream of held-out problems for [seed], no prompt twice. Their sums are reserved, so neither the
 * candidates nor the pretraining corpus chains the same three numbers.
 */
fun quickstartHeldOut(seed: Long): Sequence<TaskRecord> =
    problems(seed, reserved = true).map { (_, problem) -> TaskRecord(problem.prompt, emptyList(), problem.answer) }

/**
 * Writes `quickstart-candidates.jsonl` with [candidates] problems and `quickstart-heldout.jsonl` with [heldOut]
 * problems into [folder], and fails rather than write a held-out problem that is also a training problem.
 */
fun writeQuickstart(folder: Path, seed: Long, candidates: Int, heldOut: Int) {
    val training = quickstartCandidates(seed).take(candidates).toList()
    val testing = quickstartHeldOut(seed + 1).take(heldOut).toList()
    val shared = testing.map { it.prompt }.toSet() intersect training.map { it.prompt }.toSet()
    check(shared.isEmpty()) { "${shared.size} held-out problems are training problems too, such as: ${shared.first()}" }
    writeLines(folder.resolve("quickstart-candidates.jsonl"), training.asSequence().map { it.toJson() })
    writeLines(folder.resolve("quickstart-heldout.jsonl"), testing.asSequence().map { it.toJson() })
}
