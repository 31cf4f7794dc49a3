package org.finetune4j.dsl

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import org.finetune4j.FinetuneException
import org.finetune4j.data.Provenance
import org.finetune4j.data.preview.Preview
import java.nio.file.Files

class RecipePreviewTest : FunSpec({
    val shown = RecipePreview(
        Preview(
            listOf(
                Preview.Shown(
                    "a.jsonl:1",
                    Provenance("a.jsonl", listOf("math")),
                    listOf("user", "assistant"),
                    7,
                    3,
                    listOf(Preview.Piece("<u>1 & 2", 4, false), Preview.Piece("\"3\"</s>", 3, true)),
                    "its end is cut",
                ),
            ),
            listOf("a.jsonl read as text ('text'): 1"),
        ),
    )

    test("text marks what is learned by brackets, or by colour on a terminal") {
        shown.text(colour = false) shouldBe "a.jsonl:1  user, assistant  7 tokens, 3 learned\ntags math\nits end is cut\n" +
            "<u>1 & 2⟦\"3\"</s>⟧\na.jsonl read as text ('text'): 1"
        shown.text(colour = true) shouldContain "<u>1 & 2\u001B[32m\"3\"</s>\u001B[39m"
    }

    test("HTML escapes what samples say") {
        shown.html() shouldContain "&lt;u&gt;1 &amp; 2<mark title=\"3 tokens learned\">&quot;3&quot;&lt;/s&gt;</mark>"
        shown.html() shouldContain "<em>tags math</em>"
    }

    test("a recipe shows its first samples with the template of its model, whatever kind they are") {
        val file = Files.createTempFile("preview", ".jsonl")
        Files.writeString(
            file,
            """
            {"prompt": "2+2?", "response": "4"}
            {"prompt": "p", "chosen": "good", "rejected": "bad"}
            {"text": "${"long ".repeat(400)}"}
            {"messages": [{"role": "alien", "content": "x"}]}
            """.trimIndent(),
        )
        val recipe = recipe {
            base("../samples/models/tiny")
            data(jsonl("$file").tagged("t"))
        }
        val text = recipe.preview(4).text(colour = false)
        text shouldContain "user, assistant  "
        text shouldContain "tags t\n<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n⟦4<|im_end|>⟧"
        text shouldContain "the chosen response\n"
        text shouldContain "⟦bad<|im_end|>⟧"
        text shouldContain "longer than 512 tokens, so that the data are refused"
        text shouldContain "read as preference ('chosen' and 'rejected'): 1"
        shouldThrow<FinetuneException> { recipe.preview(5) }.message.orEmpty() shouldContain "with the role 'alien'"
        shouldThrow<FinetuneException> { recipe.preview(0) }
        Files.delete(file)
    }
})
