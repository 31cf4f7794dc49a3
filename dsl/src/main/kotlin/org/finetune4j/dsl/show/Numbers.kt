package org.finetune4j.dsl.show

import java.util.Locale
import kotlin.math.roundToLong

/** A whole number with its thousands set apart, such as `1,234,567`. */
internal fun count(number: Long): String = "%,d".format(Locale.ROOT, number)

/** The same of a number that is not large. */
internal fun count(number: Int): String = count(number.toLong())

/** A share as per cent: three significant digits at least, such as `45.0 %` or `0.031 %`. */
internal fun percent(share: Double): String = (if (share != 0.0 && share < 0.001) "%.3f %%" else "%.1f %%").format(Locale.ROOT, share * 100)

/** A size in the largest binary unit that leaves a number of at least 1, such as `310 MiB`. */
internal fun bytes(size: Long): String {
    val units = listOf("bytes", "KiB", "MiB", "GiB", "TiB")
    var unit = 0
    var number = size.toDouble()
    while (number >= 1024 && unit < units.lastIndex) {
        number /= 1024
        unit++
    }
    return (if (unit == 0 || number >= 100) "%.0f %s" else "%.1f %s").format(Locale.ROOT, number, units[unit])
}

/** A time in its two largest units, such as `1 h 12 min`, `2 min 5 s` or `8 s`. */
internal fun duration(seconds: Double): String {
    if (!seconds.isFinite()) return "unknown"
    val whole = seconds.roundToLong()
    return when {
        whole >= 3600 -> "${whole / 3600} h ${whole % 3600 / 60} min"
        whole >= 60 -> "${whole / 60} min ${whole % 60} s"
        else -> "$whole s"
    }
}
