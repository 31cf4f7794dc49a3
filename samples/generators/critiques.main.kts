/*
 * Solutions of word problems of two steps, some of them with a step that is wrong, and critiques of them by rule.
 */
@file:Import("dice.main.kts")
@file:Import("sums.main.kts")

/**
 * Somebody's solution of a word problem.
 *
 * @property problem the problem
 * @property wrongStep which step has a wrong result, counted from 0, or null when all are right
 * @property error what is added to the result of that step
 */
class Solution(val problem: WordProblem, val wrongStep: Int?, private val error: Int) {
    private val steps = problem.sum.steps

    /** What the solution takes each step's result for; a wrong one is gone on with. */
    private val claimed: List<Int> = steps.indices.fold(emptyList()) { claims, i ->
        claims + (right(i, claims) + if (i == wrongStep) error else 0)
    }

    private fun before(step: Int, claims: List<Int>) = if (step == 0) problem.sum.start else claims[step - 1]

    private fun right(step: Int, claims: List<Int>) = steps[step].applyTo(before(step, claims))

    private fun told(step: Int) = "${before(step, claimed)} ${steps[step].operator} ${steps[step].amount}"

    /** The solution in steps, with its answer behind `####`. */
    val text: String = steps.indices.joinToString(" ", postfix = "\n#### ${claimed.last()}") { "${told(it)} = ${claimed[it]}." }

    /** `right` or `wrong`. */
    val verdict: String = if (wrongStep == null) "right" else "wrong"

    /** Every step as it should be, and how a wrong one was taken. */
    val critique: String = steps.indices.joinToString(" ", postfix = "\nConclusion: $verdict") {
        "${told(it)} = ${right(it, claimed)}${if (it == wrongStep) ", not ${claimed[it]}" else ""}."
    }
}

/** Returns the endless stream of solutions for [seed], of which the share [wrong] has a wrong step. */
fun solutions(seed: Long, wrong: Double, reserved: Boolean = false): Sequence<Solution> {
    val dice = Dice(seed)
    return generateSequence {
        val problem = dice.wordProblem(dice.sum(2, reserved))
        Solution(problem, if (dice.chance(wrong)) dice.between(0, 1) else null, dice.between(1, 8))
    }.distinctBy { it.problem.prompt }
}
