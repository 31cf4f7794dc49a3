/*
 * Functions of one number, told in words, as a program of five lines, each with a twin that has one wrong operator.
 */
@file:Import("dice.main.kts")

private val words = mapOf(
    '+' to listOf("add %d", "raise it by %d"),
    '-' to listOf("take away %d", "lower it by %d"),
    '*' to listOf("take it %d times", "multiply by %d"),
    '<' to listOf("it is below %d", "it stays under %d"),
    '>' to listOf("it is above %d", "it exceeds %d"),
)
private val flips = mapOf('+' to '-', '-' to '+', '*' to '+', '<' to '>', '>' to '<')

/**
 * A function.
 *
 * @property told what it shall do
 * @property code the right program
 * @property faulty the same with one operator flipped
 * @property place where that operator stands in both
 */
class Program(val told: String, val code: String, val faulty: String, val place: Int)

private fun Dice.program(): Program {
    val operators = listOf(pick('+', '-', '*'), pick('+', '-', '*'), pick('<', '>'))
    val numbers = listOf(between(2, 9), between(2, 9), between(10, 60))
    val (one, two, last) = operators.zip(numbers) { operator, number -> pick(words.getValue(operator)).format(number) }
    val code = "def f(n):\n    n = n ${operators[0]} ${numbers[0]}\n    n = n ${operators[1]} ${numbers[1]}\n" +
        "    if n ${operators[2]} ${numbers[2]}:\n        return n\n    return 0"
    val place = pick(code.indices.filter { code[it] in flips && code[it - 1] == ' ' && code[it - 2] == 'n' })
    val faulty = code.replaceRange(place, place + 1, "${flips.getValue(code[place])}")
    return Program("Write f: take n, $one, then $two, and if $last give it back, else 0.", code, faulty, place)
}

/** Returns the endless stream of functions for [seed], no text twice. */
fun programs(seed: Long): Sequence<Program> =
    Dice(seed).let { dice -> generateSequence { dice.program() } }.distinctBy { it.told }
