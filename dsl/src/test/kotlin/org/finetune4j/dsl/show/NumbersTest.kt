package org.finetune4j.dsl.show

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

class NumbersTest : FunSpec({
    test("sizes, times and shares are told in the unit that suits them") {
        bytes(0) shouldBe "0 bytes"
        bytes(1023) shouldBe "1023 bytes"
        bytes(1536) shouldBe "1.5 KiB"
        bytes(310L shl 20) shouldBe "310 MiB"
        duration(0.4) shouldBe "0 s"
        duration(59.6) shouldBe "1 min 0 s"
        duration(125.0) shouldBe "2 min 5 s"
        duration(4320.0) shouldBe "1 h 12 min"
        duration(Double.NaN) shouldBe "unknown"
        percent(0.45) shouldBe "45.0 %"
        percent(0.00031) shouldBe "0.031 %"
        percent(0.0) shouldBe "0.0 %"
        count(1234567) shouldBe "1,234,567"
    }
})
