package org.finetune4j.dsl.show

import org.finetune4j.methods.evaluate.MetricResult
import java.util.Locale
import kotlin.math.roundToInt

/** Whether every item is right or wrong, so that the value is best told in per cent. */
internal fun MetricResult.isShare(): Boolean = items().isNotEmpty() && items().all { it == 0.0 || it == 1.0 }

/** What was measured, with its error or spread where it has one: `95.5 % ± 1.4` of a [share], else `0.0312 ± 0.0011`. */
internal fun measured(value: Double, error: Double?, share: Boolean): String {
    val shown = if (share) "%.1f %%".format(Locale.ROOT, 100 * value) else "%.4f".format(Locale.ROOT, value)
    error ?: return shown
    return shown + if (share) " ± %.1f".format(Locale.ROOT, 100 * error) else " ± %.4f".format(Locale.ROOT, error)
}

/** A difference of two measurements with its sign: `+1.5 points` of a [share], else `-0.0312`. */
internal fun change(difference: Double, share: Boolean): String =
    if (share) "%+.1f points".format(Locale.ROOT, 100 * difference) else "%+.4f".format(Locale.ROOT, difference)

/** A bar over the [share] in [0, 1] of so many characters, exact to an eighth of one. */
internal fun bar(share: Double, characters: Int): String {
    val eighths = (share * characters * EIGHTHS.length).roundToInt()
    val rest = eighths % EIGHTHS.length
    return "█".repeat(eighths / EIGHTHS.length) + if (rest == 0) "" else "${EIGHTHS[rest - 1]}"
}

private const val EIGHTHS = "▏▎▍▌▋▊▉█"
