package org.finetune4j.dsl

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.types.shouldBeInstanceOf
import org.finetune4j.FinetuneException
import org.finetune4j.data.PreferencePair

class SynthesisTest : FunSpec({
    test("a file of pika is read as answers and, where the best is better, as pairs") {
        val file = tempdir().resolve("pika.jsonl").also {
            it.writeText(
                """
                {"persona":"p:1","prompt":"a","response":"good","worst":"bad","gap":2.5,"best":1,"answers":["bad","good"],"ratings":[1,3.5]}
                {"persona":"p:2","prompt":"b","response":"same","worst":"same","gap":0.0,"best":0,"answers":["same"],"ratings":[1]}
                """.trimIndent(),
            )
        }.path
        pikaAnswers(file).open().samples().map { it.response() } shouldBe listOf("good", "same")
        val pair = pikaPairs(file).open().rows().single().shouldBeInstanceOf<PreferencePair>()
        pair.chosen().single().text() shouldBe "good"
        pair.rejected().single().text() shouldBe "bad"
        shouldThrow<FinetuneException> { pikaPairs(file, margin = 2.5).open().rows() }.message.orEmpty() shouldContain "gap > 2.5"
        shouldThrow<FinetuneException> { pikaPairs(file, margin = -1.0) }.message.orEmpty() shouldContain "at least 0 and finite"
    }

    test("a judge inside a selector is written out as a fragment, and the key of an endpoint is not") {
        val built = recipe {
            base("m")
            data(jsonl("f"))
            select(ssr(llmJudge(openAi("judge", keyVariable = "MY_KEY"))))
        }
        val json = built.toJson()
        json shouldContain "\"method\": \"llmJudge\""
        json shouldContain "\"keyVariable\": \"MY_KEY\""
        Recipe.fromJson(json) shouldBe built
        built.toString() shouldContain "ssr(judge = llmJudge(source = openAi(model = \"judge\""
        json shouldNotContain "sk-"
        val wrong = json.replace("\"llmJudge\"", "\"llmJuge\"")
        shouldThrow<FinetuneException> { Recipe.fromJson(wrong) }.message.orEmpty() shouldContain "Did you mean 'llmJudge'?"
    }
})
