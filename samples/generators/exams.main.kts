/*
 * Exams by rule: questions of seven domains with four options, whose right answers small rules give.
 */
@file:Import("dice.main.kts")
@file:Import("sums.main.kts")

import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray

/**
 * A question of an exam.
 *
 * @property domain what it is about
 * @property question the facts and what is asked
 * @property options four of them, in the order of their letters
 * @property letter the right one, A to D
 * @property rule the rule that decides, in words
 * @property facts what the rule makes of the facts
 */
class ExamQuestion(
    val domain: String,
    val question: String,
    val options: List<String>,
    val letter: Char,
    val rule: String,
    val facts: String,
) {
    private val right = options[letter - 'A']

    /** This question as one line of JSON, with its explanation in one text and in four fields. */
    fun toJson(): String = buildJsonObject {
        put("prompt", question)
        put("answer", "$letter")
        put("domain", domain)
        putJsonArray("options") { options.forEach { add(it) } }
        put("explanation", "$facts $right is $letter.")
        put("Legal_Concept", domain)
        put("Fact_Analysis", facts)
        put("Rule_Application", rule)
        put("Legal_Conclusion", "$right is $letter.")
    }.toString()
}

private fun Dice.asked(domain: String, question: String, right: String, wrong: List<String>, rule: String, facts: String): ExamQuestion {
    val options = shuffled(listOf(right) + wrong)
    return ExamQuestion(domain, question, options, 'A' + options.indexOf(right), rule, facts)
}

private fun Dice.near(number: Int): List<String> =
    sample((-9..9).filter { it != 0 && number + it > 0 }, 3).map { "${number + it}" }

private fun Dice.calculated(domain: String, operator: Char, rule: String): ExamQuestion {
    val sum = generateSequence { sum(1) }.first { it.steps[0].operator == operator }
    return asked(domain, "What is ${sum.expression}?", "${sum.result}", near(sum.result), rule, "${sum.equations[0]}.")
}

private fun Dice.ofFour(domain: String, question: String, rule: String, order: Comparator<Int>): ExamQuestion {
    val numbers = sample((1..99).toList(), 4)
    val right = numbers.sortedWith(order).first()
    return asked(domain, question, "$right", (numbers - right).map { "$it" }, rule, "It is $right.")
}

private val domains: List<Dice.() -> ExamQuestion> = listOf(
    { calculated("addition", '+', "Add.") },
    { calculated("subtraction", '-', "Take away.") },
    { calculated("products", '*', "Multiply.") },
    { ofFour("largest", "Which number is the largest?", "Compare.", compareByDescending { it }) },
    { ofFour("smallest", "Which number is the smallest?", "Compare.", compareBy { it }) },
    {
        val (thing, other) = sample(things, 2)
        val person = pick(people).name
        asked("likes", "$person likes $thing and no $other. What does $person like?", thing,
            sample(things - thing - other, 2) + other, "Read.", "$person likes $thing.")
    },
    {
        val words = sample(things, 4)
        val right = words.min()
        asked("order", "Which word comes first in order?", right, words - right, "Sort.", "In order: ${words.sorted().joinToString(", ")}.")
    },
)

/** Returns the endless stream of questions for [seed], the seven domains in turns, no question with its options twice. */
fun examQuestions(seed: Long): Sequence<ExamQuestion> {
    val dice = Dice(seed)
    return generateSequence(0) { it + 1 }.map { domains[it % domains.size](dice) }.distinctBy { it.question + it.options.sorted() }
}
