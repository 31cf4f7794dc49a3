/*
 * Invented worlds: islands with a few facts each, always the same, so that a model can learn them by heart and a test
 * can ask whether it still knows them after fine-tuning.
 */
@file:Import("dice.main.kts")

/**
 * An invented island.
 *
 * @property name its name, unlike that of any other island
 * @property facts what it has, by what is asked for, such as `river` to `Tamos`
 */
class Island(val name: String, val facts: Map<String, String>)

private val colours = listOf("red", "blue", "green", "white", "black", "yellow")
private val animals = listOf("fox", "owl", "bear", "crab", "goat", "swan", "wolf", "seal")
private val crops = listOf("rice", "tea", "corn", "plums", "salt", "wool", "glass", "honey")

private fun Dice.invented(): String {
    val onset = listOf("b", "d", "f", "k", "l", "m", "n", "r", "s", "t", "v", "z")
    val syllables = List(2) { pick(onset) + pick("a", "e", "i", "o", "u") }
    return (syllables.joinToString("") + pick("n", "r", "s", "l", "")).replaceFirstChar { it.uppercase() }
}

/** The 24 islands, the same in every run. */
val islands: List<Island> = run {
    val dice = Dice(20)
    val names = generateSequence { dice.invented() }.distinct().take(72).toList()
    List(24) { i ->
        Island(
            names[i],
            mapOf(
                "capital" to names[24 + i],
                "river" to names[48 + i],
                "flag" to dice.pick(colours),
                "animal" to dice.pick(animals),
                "trade" to dice.pick(crops),
                "moons" to "${dice.between(2, 9)}",
            ),
        )
    }
}

private val statements = mapOf(
    "capital" to listOf("The capital of %s is %s.", "The largest town on %s is its capital, %s."),
    "river" to listOf("The river of %s is called the %s.", "Through %s runs the %s."),
    "flag" to listOf("The flag of %s is %s.", "Over every roof of %s flies a flag that is %s."),
    "animal" to listOf("The people of %s honour the %s.", "The animal of %s is the %s."),
    "trade" to listOf("The ships of %s carry %s.", "The island of %s sells %s."),
    "moons" to listOf("Over %s there are %s moons.", "At night %s sees %s moons."),
)

private val questions = mapOf(
    "capital" to "What is the capital of %s?",
    "river" to "What is the river of %s called?",
    "flag" to "Which colour is the flag of %s?",
    "animal" to "Which animal do the people of %s honour?",
    "trade" to "What do the ships of %s carry?",
    "moons" to "How many moons are over %s?",
)

/** Returns a sentence that states the fact [key] of [island]. */
fun Dice.statement(island: Island, key: String): String =
    pick(statements.getValue(key)).format(island.name, island.facts.getValue(key))

/** Returns a question for the fact [key] of [island]. */
fun question(island: Island, key: String): String = questions.getValue(key).format(island.name)
