package org.finetune4j.dsl

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import org.finetune4j.FinetuneException

class RecipeScopeTest : FunSpec({
    test("a recipe holds what its script says") {
        val built = recipe {
            base("models/tiny")
            data(jsonl("train.jsonl", fields(responses = "candidates")), chatTemplate())
            heldOut(jsonl("held-out.jsonl"))
            select(grape(topK = 2))
            objective(asft(kl = 0.1))
            adapt(lora(rank = 4))
            train { epochs = 2; tokensPerBatch = 512; optimizer = adamW(lr = 2e-4); precision = bf16; seed = 7 }
            evaluate(exactMatch(trim = true), maxNewTokens = 32)
            output("runs/x")
        }
        built shouldBe Recipe(
            base = ModelFolder("models/tiny"),
            data = TrainingData(JsonLinesFile("train.jsonl", Fields(responses = "candidates")), Template()),
            heldOut = JsonLinesFile("held-out.jsonl"),
            selectors = listOf(grape(topK = 2)),
            objective = asft(kl = 0.1),
            adapter = lora(rank = 4),
            training = Training(epochs = 2, tokensPerBatch = 512, optimizer = adamW(lr = 2e-4), precision = bf16, seed = 7),
            evaluation = Evaluation(listOf(exactMatch(trim = true)), maxNewTokens = 32),
            output = "runs/x",
        )
    }

    test("two selectors that decide the target need one call that says which is first") {
        val message = shouldThrow<FinetuneException> {
            recipe {
                base("m")
                data(jsonl("f"))
                select(grape())
                select(grape(topK = 2))
            }
        }.message.orEmpty()
        message shouldContain "select: grape and grape both decide which response a prompt is trained with"
        message shouldContain "such as select(grape(...), grape(...))"
        recipe {
            base("m")
            data(jsonl("f"))
            select(grape(), grape(topK = 2))
        }.selectors shouldBe listOf(grape(), grape(topK = 2))
    }

    test("fragments are values that several recipes can share") {
        val anchored = asft(kl = 0.2)
        fun with(file: String) = recipe {
            base("m")
            data(jsonl(file))
            objective(anchored)
        }
        with("a").objective shouldBe with("b").objective
        with("a") shouldBe with("a")
        with("a") shouldNotBe with("b")
    }

    test("without an objective, plain supervised fine-tuning") {
        recipe {
            base("m")
            data(jsonl("f"))
        }.objective shouldBe sft()
    }

    test("a new model is described by its shape and its tokenizer") {
        val built = recipe {
            base(newModel(layers = 4, hidden = 192, heads = 6, keyValueHeads = 2), tokenizer = "tok")
            data(jsonl("corpus.jsonl"))
        }
        built.base shouldBe UntrainedModel(NewModel(4, 192, 6, 2, 512, 512, true, 10_000.0), "tok")
    }

    test("what is missing and what was given twice is refused together, with everything named") {
        val message = shouldThrow<FinetuneException> {
            recipe {
                objective(asft(kl = 0.1))
                objective(dftDynamic())
                adapt(lora(rank = 4))
                adapt(lora(rank = 8))
                data(jsonl("f"))
            }
        }.message.orEmpty()
        message shouldContain "3 problems"
        message shouldContain "base: nothing says what training starts from"
        message shouldContain "objective: was given 2 times: asft(kl = 0.1, direction = KlDirection.FORWARD, weightFloor = 0.0) and dftDynamic()"
        message shouldContain "adapt: was given 2 times: lora(rank = 4"
    }

    test("a recipe prints as the Kotlin that makes it") {
        val text = recipe {
            base("models/tiny")
            data(jsonl("train.jsonl", fields(answer = "gold")))
            objective(asft(kl = 0.1))
            train { epochs = 2 }
        }.toString()
        text shouldContain "recipe {\n    base(\"models/tiny\")\n    data(jsonl(\"train.jsonl\", fields = fields(answer = \"gold\")), chatTemplate())\n"
        text shouldContain "    objective(asft(kl = 0.1, direction = KlDirection.FORWARD, weightFloor = 0.0))\n"
        text shouldContain "    train {\n        epochs = 2\n"
        text shouldContain "        optimizer = adamW(beta1 = 0.9,"
    }

    test("split(...) parts the data, whatever they are made of, and heldOut(...) beside it is refused") {
        val sources = mix(jsonl("a.jsonl").filter("level > 2").filter("lang = 'de'") at 0.7, sql("from 'b.parquet'").tagged("b") at 0.3)
        val built = recipe {
            base("m")
            data(sources.deduplicate(near = 0.8))
            split(heldOut = 0.05)
        }
        built.data.source shouldBe sources.deduplicate(near = 0.8).split(0.05).train
        built.heldOut shouldBe sources.deduplicate(near = 0.8).split(0.05).heldOut
        built.toString() shouldContain "heldOut(mix(jsonl(\"a.jsonl\").filter(\"(level > 2) AND (lang = 'de')\") at 0.7, " +
            "sql(\"from 'b.parquet'\").tagged(\"b\") at 0.3, seed = 42, end = Mix.End.SHORTEST).deduplicate(near = 0.8)" +
            ".split(heldOut = 0.05, salt = 0).heldOut)"
        Recipe.fromJson(built.toJson()) shouldBe built
        shouldThrow<FinetuneException> {
            recipe {
                base("m")
                data(sources)
                split(heldOut = 0.05)
                heldOut(jsonl("h"))
            }
        }.message.orEmpty() shouldContain "heldOut: was given 2 times: heldOut(jsonl(\"h\")) and split(heldOut = 0.05, salt = 0)"
    }
})
