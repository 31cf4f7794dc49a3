package org.finetune4j.dsl

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import org.finetune4j.tokenizer.Tokenizer

class TokenizersTest : FunSpec({
    test("reserved tokens are added behind those of turns, whole and in no text") {
        val folder = tempdir()
        trainTokenizer(sequenceOf("a mask is a mask"), folder.path, vocabularySize = 280, reserved = listOf("<|mask|>", "<|reserved|>"))
        Tokenizer.load(folder.toPath()).use { tokenizer ->
            listOf("<|im_start|>", "<|im_end|>", "<|mask|>", "<|reserved|>").map { tokenizer.idOf(it).asInt } shouldBe listOf(0, 1, 2, 3)
            tokenizer.isAddedToken(2) shouldBe true
            tokenizer.encode("a mask is a mask", false).ids().any { it in 0..3 } shouldBe false
        }
    }

    test("a vocabulary without room for reserved tokens and one that is reserved twice are refused") {
        shouldThrow<IllegalArgumentException> {
            trainTokenizer(sequenceOf("a"), tempdir().path, vocabularySize = 258, reserved = listOf("<|mask|>"))
        }
        shouldThrow<IllegalArgumentException> {
            trainTokenizer(sequenceOf("a"), tempdir().path, vocabularySize = 280, reserved = listOf("<|im_end|>"))
        }
    }
})
