/*
 * Word problems of two steps with one solution each, in the style in which the tiny model's corpus works out its sums:
 * `12 + 7 = 19. 19 - 5 = 14.` and the line `#### 14`. A share of them may end with a wrong number.
 */
@file:Import("sums.main.kts")

import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject

/**
 * A problem and how its solution is told.
 *
 * @property problem the problem, of two steps
 * @property told the number at the end of the solution, right or wrong
 */
class Solution(val problem: WordProblem, val told: Int) {
    /** The solution up to its first total, which follows. */
    val start: String = problem.sum.equations[0].substringBeforeLast(' ') + " "

    /** The solution behind its first total. */
    val rest: String = ". ${problem.sum.equations[1].substringBeforeLast(' ')} $told.\n#### $told"

    /** The whole solution. */
    val response: String = "$start${problem.sum.totals[0]}$rest"
}

/**
 * Returns the endless stream of solved problems for [seed], no prompt twice.
 *
 * @param reserved whether they are for held-out samples, whose sums occur nowhere in training
 * @param wrong share of the solutions that end with a number that is 1 to 8 too high
 */
fun solutions(seed: Long, reserved: Boolean = false, wrong: Double = 0.0): Sequence<Solution> {
    val dice = Dice(seed)
    return generateSequence { dice.wordProblem(dice.sum(2, reserved)) }.distinctBy { it.prompt }
        .map { Solution(it, it.sum.result + if (dice.chance(wrong)) dice.between(1, 8) else 0) }
}

/** One line of JSON with these [fields], without the line break. */
fun record(vararg fields: Pair<String, String>): String =
    buildJsonObject { fields.forEach { (name, value) -> put(name, JsonPrimitive(value)) } }.toString()

/** As a training sample, or a held-out one whose [answer][WordProblem.answer] is right. */
fun Solution.toJson(): String = record("prompt" to problem.prompt, "response" to response, "answer" to problem.answer)
