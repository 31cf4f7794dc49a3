package org.finetune4j.dsl.study

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe

class StatisticsTest : FunSpec({
    test("mean and sample standard deviation, worked out by hand") {
        // Deviations from 5: -3, -1, -1, -1, 0, 0, 2, 4; their squares sum to 32.
        val spread = Spread(listOf(2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0).mapIndexed { i, value -> i.toLong() to value }.toMap())
        spread.mean shouldBe (5.0 plusOrMinus 1e-12)
        spread.standardDeviation!! shouldBe (Math.sqrt(32.0 / 7) plusOrMinus 1e-12)
    }

    test("one value has no deviation") {
        Spread(mapOf(1L to 0.5)).standardDeviation shouldBe null
        Spread(mapOf(1L to 0.5)).mean shouldBe 0.5
    }

    test("differences are paired by seed, and seeds that one of the two lacks are left out") {
        val baseline = Spread(mapOf(1L to 0.50, 2L to 0.60, 3L to 0.70))
        val arm = Spread(mapOf(4L to 9.0, 3L to 0.75, 2L to 0.58, 1L to 0.59))
        val difference = PairedDifference.between(arm, baseline)!!
        difference.differences.values.keys shouldBe setOf(1L, 2L, 3L)
        // 0.09, -0.02 and 0.05 have the mean 0.04 and the deviation sqrt((0.05^2 + 0.06^2 + 0.01^2) / 2).
        difference.differences.mean shouldBe (0.04 plusOrMinus 1e-12)
        difference.differences.standardDeviation!! shouldBe (Math.sqrt(0.0062 / 2) plusOrMinus 1e-12)
        difference.higher shouldBe 2
        difference.lower shouldBe 1
        PairedDifference.between(Spread(mapOf(9L to 1.0)), baseline) shouldBe null
    }

    test("pairing takes out what seeds have in common: the deviation of differences is not that of the arms") {
        val baseline = Spread(mapOf(1L to 0.1, 2L to 0.5, 3L to 0.9))
        val arm = Spread(mapOf(1L to 0.2, 2L to 0.6, 3L to 1.0))
        PairedDifference.between(arm, baseline)!!.differences.standardDeviation!! shouldBe (0.0 plusOrMinus 1e-12)
    }
})
