/*
 * Styles in which the working of a two-step word problem can be written down. Each solves the same problem, rightly.
 */
@file:Import("sums.main.kts")

/**
 * A style of answer.
 *
 * @property source the name by which candidates are tagged
 * @property write returns the working of a problem, whose sum must have two steps, without the final `#### ` line
 */
class Style(val source: String, val write: (WordProblem) -> String)

/** `12 + 7 = 19. 19 - 5 = 14.`, as the corpus works out its sums everywhere. */
val stepsStyle: Style = Style("steps") { problem -> problem.sum.equations.joinToString(" ") { "$it." } }

/** Plain English around the equations. */
val storyStyle: Style = Style("story") { problem ->
    val (first, second) = problem.sum.equations
    "At first ${problem.person.name} has $first ${problem.thing}. " +
        "Then ${problem.person.she} has $second ${problem.thing}."
}

private val operatorNames = mapOf('+' to "PLUS", '-' to "MINUS", '*' to "TIMES")

/** Upper case, word by word. */
val telegramStyle: Style = Style("telegram") { problem ->
    val steps = problem.sum.steps.zip(problem.sum.totals) { step, total ->
        "${operatorNames[step.operator]} ${step.amount} MAKES $total STOP"
    }
    "START ${problem.sum.start} STOP ${steps.joinToString(" ")}"
}

/** The whole expression in nested brackets, reduced from the inside out. */
val nestedStyle: Style = Style("nested") { problem ->
    val (one, two) = problem.sum.steps.map { "${it.operator} (${it.amount})" }
    val (first, second) = problem.sum.totals
    "(((${problem.sum.start}) $one) $two) => (($first) $two) => ($second)"
}

/** Tags of no known language. */
val xmlStyle: Style = Style("xml") { problem ->
    val steps = problem.sum.steps.zip(problem.sum.totals) { step, total ->
        "<step by=\"${step.operator}${step.amount}\">$total</step>"
    }
    "<work><start>${problem.sum.start}</start>${steps.joinToString("")}</work>"
}

/** The answer first, and then how it came about: who learns this must guess before calculating. */
val backwardsStyle: Style = Style("backwards") { problem ->
    val (first, second) = problem.sum.equations
    "It is ${problem.answer}, for before that $second, and still before that $first."
}

/** The styles in which hardly anybody writes. */
val oddStyles: List<Style> = listOf(telegramStyle, nestedStyle, xmlStyle, backwardsStyle)
