/*
 * The seeded source of every choice that the sample data generators make.
 */
import java.util.SplittableRandom

/**
 * Makes reproducible choices: two dice with equal seeds make equal choices for ever, on any machine, because
 * [SplittableRandom] fixes its algorithm.
 *
 * @param seed any value
 */
class Dice(seed: Long) {
    private val random = SplittableRandom(seed)

    /** Returns a whole number from [low] to [high], both included; [low] must not exceed [high]. */
    fun between(low: Int, high: Int): Int = random.nextInt(low, high + 1)

    /** Returns true with the given [probability], 0.0 to 1.0. */
    fun chance(probability: Double): Boolean = random.nextDouble() < probability

    /** Returns one of [options], each equally likely; fails when there is none. */
    fun <T> pick(options: List<T>): T = options[random.nextInt(options.size)]

    /** Returns one of [options], each equally likely. */
    fun <T> pick(vararg options: T): T = options[random.nextInt(options.size)]

    /** Returns a key of [weights], chosen in proportion to its weight; weights are positive and need not sum to 1. */
    fun <T> weighted(weights: Map<T, Double>): T {
        var rest = random.nextDouble() * weights.values.sum()
        for ((option, weight) in weights) {
            rest -= weight
            if (rest < 0) return option
        }
        return weights.keys.last()
    }

    /** Returns [options] in random order (Fisher and Yates). */
    fun <T> shuffled(options: List<T>): List<T> {
        val result = options.toMutableList()
        for (i in result.lastIndex downTo 1) {
            val j = random.nextInt(i + 1)
            result[i] = result[j].also { result[j] = result[i] }
        }
        return result
    }

    /** Returns [count] different elements of [options] in random order; fewer only when there are fewer. */
    fun <T> sample(options: List<T>, count: Int): List<T> = shuffled(options).take(count)
}
