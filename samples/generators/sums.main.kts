/*
 * Chains of small sums and the word problems that are told about them. Pretraining, candidates and held-out problems
 * all draw from here, so the one rule that keeps the held-out problems unseen lives here too: see Sum.reserved.
 */
@file:Import("dice.main.kts")

/**
 * One change of an amount.
 *
 * @property operator `+`, `-` or `*`
 * @property amount 2 to 99
 */
class Step(val operator: Char, val amount: Int) {
    /** Returns the amount that follows [total]. */
    fun applyTo(total: Int): Int = when (operator) {
        '+' -> total + amount
        '-' -> total - amount
        else -> total * amount
    }
}

/**
 * An amount and its changes; every total lies between 1 and 99.
 *
 * @property start the first amount
 * @property steps one to three changes, in order
 */
class Sum(val start: Int, val steps: List<Step>) {
    /** The amount after each step, one for each step. */
    val totals: List<Int> = steps.runningFold(start) { total, step -> step.applyTo(total) }.drop(1)

    /** The last total. */
    val result: Int = totals.last()

    /**
     * Whether only held-out problems may use this sum: whether an amount and the two that follow it, whatever their
     * operators, are among the one in eight that are set aside. So pretraining and candidates never chain two steps
     * that a held-out problem chains. A single step is never reserved.
     */
    val reserved: Boolean = steps.zipWithNext().withIndex().any { (i, pair) ->
        val before = if (i == 0) start else totals[i - 1]
        (7 * before + 3 * pair.first.amount + 5 * pair.second.amount) % 8 == 0
    }

    /** The expression from left to right, such as `12 + 7 - 5`; a product can only stand first, so no brackets. */
    val expression: String = steps.fold("$start") { text, step -> "$text ${step.operator} ${step.amount}" }

    /** Each step as an equation, such as `12 + 7 = 19` and `19 - 5 = 14`. */
    val equations: List<String> = steps.indices.map { i ->
        "${if (i == 0) start else totals[i - 1]} ${steps[i].operator} ${steps[i].amount} = ${totals[i]}"
    }
}

private fun Dice.step(total: Int, first: Boolean): Step? = when (pick("+", "-", if (first) "*" else "+")) {
    "+" -> if (total > 90) null else Step('+', between(2, minOf(49, 99 - total)))
    "-" -> if (total < 4) null else Step('-', between(2, minOf(49, total - 1)))
    else -> if (total > 9) null else between(2, 9).let { Step('*', it) }
}

/** Returns a chain of [length] steps (1 to 3), reserved for held-out problems or not as [reserved] says. */
fun Dice.sum(length: Int, reserved: Boolean = false): Sum {
    while (true) {
        val start = if (chance(0.3)) between(2, 9) else between(10, 79)
        val steps = mutableListOf<Step>()
        var total = start
        while (steps.size < length) {
            val step = step(total, first = steps.isEmpty()) ?: break
            steps += step
            total = step.applyTo(total)
        }
        if (steps.size < length) continue
        val sum = Sum(start, steps)
        if (sum.reserved == reserved) return sum
    }
}

/**
 * A person in a word problem.
 *
 * @property name the given name
 * @property she the pronoun, `he` or `she`
 */
class Person(val name: String, val she: String)

/** The people that word problems, records and dialogues tell of. */
val people: List<Person> =
    "Mia Ana Lena Nora Ruth Sofia Ivy Clara Eva Maya Rosa Lucy Tara Zoe Alice Wanda"
        .split(" ").map { Person(it, "she") } +
        "Tom Ben Omar Leo Max Paul Hugo Ali Sam Ivan Noah Felix Karl Dan Remi Oscar"
            .split(" ").map { Person(it, "he") }

/** The countable things that word problems tell of, in the plural. */
val things: List<String> = ("apples books coins stamps shells pencils eggs cards marbles plums cups stones tickets " +
    "ribbons nuts candles buttons roses keys lemons").split(" ")

private val gains =
    listOf("buys %d more", "finds %d more", "gets %d more", "picks up %d more", "wins %d more", "makes %d more")
private val losses = listOf("gives away %d", "loses %d", "sells %d", "uses %d", "drops %d", "lends out %d")
private val boxes = listOf("boxes", "bags", "baskets", "trays", "piles", "jars")

/**
 * A sum told as a small story.
 *
 * @property sum the sum that solves it
 * @property person whom it tells of
 * @property thing what is counted, in the plural
 * @property sentences the story without its question: one sentence for the start and one for each step, except that
 *   a product and its start share a sentence
 * @property ending how the question ends: `now`, or `in the end` for one problem in five
 */
class WordProblem(
    val sum: Sum,
    val person: Person,
    val thing: String,
    val sentences: List<String>,
    val ending: String,
) {
    /** The story and its question. */
    val prompt: String = sentences.joinToString(" ") + " How many $thing does ${person.name} have $ending?"

    /** The answer as digits. */
    val answer: String = "${sum.result}"
}

/** Returns a word problem about [sum]. */
fun Dice.wordProblem(sum: Sum): WordProblem {
    val person = pick(people)
    val thing = pick(things)
    val subject = person.she.replaceFirstChar { it.uppercase() }
    val product = sum.steps[0].operator == '*'
    val opening = if (product) {
        "${person.name} has ${sum.start} ${pick(boxes)} with ${sum.steps[0].amount} $thing in each."
    } else {
        "${person.name} has ${sum.start} $thing."
    }
    val changes = sum.steps.drop(if (product) 1 else 0).map { step ->
        "$subject ${pick(if (step.operator == '+') gains else losses).replace("%d", "${step.amount}")}."
    }
    return WordProblem(sum, person, thing, listOf(opening) + changes, if (chance(0.2)) "in the end" else "now")
}
