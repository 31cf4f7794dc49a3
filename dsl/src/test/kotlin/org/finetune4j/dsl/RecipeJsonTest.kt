package org.finetune4j.dsl

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.FinetuneException
import org.finetune4j.data.format.RecordFormat
import org.finetune4j.dsl.json.RecipeJson

class RecipeJsonTest : FunSpec({
    val sample = recipe {
        base("models/tiny")
        data(jsonl("train.jsonl"), chatTemplate())
        heldOut(jsonl("held-out.jsonl"))
        select(grape())
        objective(asft(kl = 0.1))
        adapt(lora(rank = 8))
        train { epochs = 2; optimizer = adamW(lr = 2e-4); precision = bf16 }
        evaluate(exactMatch())
        output("runs/sample")
    }

    fun refusal(text: String) = shouldThrow<FinetuneException> { Recipe.fromJson(text) }.message.orEmpty()

    test("to JSON and back is the identity for 300 random recipes") {
        val recipes = RandomRecipes(seed = 7)
        repeat(300) {
            val recipe = recipes.next()
            withClue(recipe) {
                Recipe.fromJson(recipe.toJson()) shouldBe recipe
                Recipe.fromJson(recipe.toJson()).toJson() shouldBe recipe.toJson()
            }
        }
    }

    test("random recipes differ from one another, and so do their JSON and Kotlin texts") {
        val recipes = RandomRecipes(seed = 8).let { source -> List(100) { source.next() } }
        recipes.distinct().size shouldBe 100
        recipes.distinctBy { it.toJson() }.size shouldBe 100
        recipes.distinctBy { it.toString() }.size shouldBe 100
    }

    test("every setting is written out, so that a later default cannot change a stored recipe") {
        val json = sample.toJson()
        json shouldContain """"method": "asft""""
        json shouldContain """"kl": 0.1"""
        json shouldContain """"direction": "forward""""
        json shouldContain """"tokensPerBatch": 2048"""
        json shouldContain """"precision": "BF16""""
    }

    test("only the parts that a recipe must have need to be given") {
        val text = """{"base": {"type": "folder", "path": "m"}, "data": {"source": {"type": "jsonl", "file": "f"}}}"""
        Recipe.fromJson(text) shouldBe recipe {
            base("m")
            data(jsonl("f"))
        }
    }

    test("a setting that is left out of a fragment takes the method's default") {
        val changed = sample.toJson().replace(Regex(""""direction": "forward",\s*"""), "")
        changed shouldNotBe sample.toJson()
        Recipe.fromJson(changed) shouldBe sample
    }

    test("a recipe that was written with one selector, or with none, is still read") {
        val one = sample.toJson().replace(Regex(""""select": \[\s*(\{[^}]*})\s*]"""), "\"select\": $1")
        one shouldNotBe sample.toJson()
        Recipe.fromJson(one) shouldBe sample
        val none = sample.toJson().replace(Regex(""""select": \[\s*(\{[^}]*})\s*]"""), "\"select\": null")
        Recipe.fromJson(none) shouldBe sample.copy(selectors = emptyList())
        refusal(one.replace("\"grape\"", "\"grap\"")) shouldContain "select[0].method: there is no method 'grap' for select(...)"
    }

    context("misspelt names are refused with their path and the name they resemble") {
        listOf(
            Triple("\"epochs\"", "\"epoch\"", "train.epoch: there is no 'epoch' here" to "Did you mean 'epochs'?"),
            Triple("\"objective\"", "\"objektive\"", "objektive: there is no 'objektive' here" to "Did you mean 'objective'?"),
            Triple("\"kl\"", "\"k1\"", "objective.k1: there is no 'k1' here" to "Did you mean 'kl'?"),
            Triple("\"rank\"", "\"rnk\"", "adapt.rnk: there is no 'rnk' here" to "Did you mean 'rank'?"),
            Triple("\"asft\"", "\"asf\"", "objective.method: there is no method 'asf' for objective(...)" to "Did you mean 'asft'?"),
            Triple("\"jsonl\"", "\"jsnl\"", "data.source.type: 'jsnl' is unknown" to "Did you mean 'jsonl'?"),
            Triple("\"BF16\"", "\"BF1\"", "train.precision: 'BF1' is unknown" to "Did you mean 'BF16'?"),
            Triple("\"ignoreCase\"", "\"ignorCase\"", "evaluate.metrics[0].ignorCase: there is no 'ignorCase' here" to "Did you mean 'ignoreCase'?"),
        ).forEach { (right, wrong, expected) ->
            test("$wrong for $right") {
                val message = refusal(sample.toJson().replace(right, wrong))
                message shouldContain expected.first
                message shouldContain expected.second
            }
        }
    }

    test("everything that is wrong is told at once") {
        val text = sample.toJson().replace("\"epochs\"", "\"epoch\"").replace("\"rank\": 8", "\"rank\": \"eight\"")
            .replace("\"kl\"", "\"kll\"").replace("\"path\"", "\"folder\"")
        val message = refusal(text)
        message shouldContain "5 problems"
        listOf("train.epoch", "adapt", "objective.kll", "base.folder", "base: 'path' is missing").forEach { message shouldContain it }
    }

    test("values of the wrong type and out of range are refused with their path") {
        refusal(sample.toJson().replace("\"epochs\": 2", "\"epochs\": 2.5")) shouldContain "train.epochs: 2.5 is not a whole number"
        refusal(sample.toJson().replace("\"epochs\": 2", "\"epochs\": \"2\"")) shouldContain "train.epochs: \"2\" is not a whole number"
        refusal(sample.toJson().replace("\"clip\": 1.0", "\"clip\": true")) shouldContain "train.clip: true is not a number"
        refusal(sample.toJson().replace("\"kl\": 0.1", "\"kl\": -1")) shouldContain "objective: asft: setting 'kl' is -1.0"
        refusal(sample.toJson().replace("\"accumulate\": 1", "\"accumulate\": null")) shouldContain "train.accumulate: null is not a value"
        refusal("[]") shouldContain "recipe: [] is not an object"
        refusal("{}") shouldContain "'base' is missing"
    }

    test("a method is refused where another kind belongs") {
        refusal(sample.toJson().replace("\"asft\"", "\"lora\"")) shouldContain "there is no method 'lora' for objective(...)"
    }

    test("text that is not JSON is refused in words") {
        refusal("base: models/tiny") shouldContain "is not JSON"
    }

    test("a recipe with an objective of its own has no JSON form, and says where and why") {
        val own = sample.copy(objective = objective("mine") { view -> view.logProbability().neg() })
        val message = shouldThrow<FinetuneException> { own.toJson() }.message.orEmpty()
        message shouldContain "objective: 'mine' was defined in a script"
        RecipeJson.provenance(own) shouldContain "\"mine\""
        refusal(RecipeJson.provenance(own)) shouldContain "'mine' was defined in a script"
        refusal(RecipeJson.provenance(own)) shouldNotContain "unknown"
    }

    test("a filter of one's own has no JSON form, and says where and why") {
        val source = mix(jsonl("a").filter { "x" in it.id() }.take(5) at 1.0, jsonl("b") at 1.0)
        val own = sample.copy(data = TrainingData(source))
        val path = "data.source.parts[0].source.source: 'filter' was defined in a script"
        shouldThrow<FinetuneException> { own.toJson() }.message.orEmpty() shouldContain path
        refusal(RecipeJson.provenance(own)) shouldContain path
        own shouldBe own.copy()
        own.toString() shouldContain "mix(jsonl(\"a\").filter { ... }.take(5) at 1.0"
    }

    test("misspelt fields of data are refused with their path") {
        val mapped = sample.copy(data = TrainingData(csv("x.csv", fields(prompt = "question", format = RecordFormat.ALPACA)).take(3))).toJson()
        refusal(mapped.replace("\"prompt\"", "\"promt\"")) shouldContain "data.source.source.fields.promt: there is no 'promt' here"
        refusal(mapped.replace("\"ALPACA\"", "\"ALPACCA\"")) shouldContain "Did you mean 'ALPACA'?"
        refusal(mapped.replace("\"range\"", "\"rang\"")) shouldContain "data.source.type: 'rang' is unknown"
    }

    test("a metric of a script has no JSON form, and is named in the recipe as text") {
        val own = sample.copy(evaluation = Evaluation(listOf(perplexity(), metric("mine") { samples, _ -> samples.map { 1.0 } })))
        shouldThrow<FinetuneException> { own.toJson() }.message.orEmpty() shouldContain "evaluate.metrics[1]: 'mine' was defined in a script"
        own.toString() shouldContain "metric(\"mine\") { ... }"
    }

    context("a metric's own source of samples") {
        val own = sample.copy(evaluation = Evaluation(listOf(forgetting(csv("general.csv").take(9), perplexity()))))

        test("is stored with the recipe") {
            own.toJson() shouldContain """"file": "general.csv""""
            Recipe.fromJson(own.toJson()) shouldBe own
            own.toString() shouldContain "forgetting(on = csv(\"general.csv\").take(9), metric = perplexity("
        }

        test("is refused with its path where it is wrong") {
            refusal(own.toJson().replace("\"range\"", "\"rang\"")) shouldContain "evaluate.metrics[0].on.type: 'rang' is unknown"
            refusal(own.toJson().replace("\"window\"", "\"windw\"")) shouldContain "perplexity has no setting 'windw'"
        }

        test("has no JSON form where a script filters it, and says where and why") {
            val filtered = own.copy(evaluation = Evaluation(listOf(forgetting(jsonl("g").filter { true }))))
            val path = "evaluate.metrics[0].on: 'filter' was defined in a script"
            shouldThrow<FinetuneException> { filtered.toJson() }.message.orEmpty() shouldContain path
            refusal(RecipeJson.provenance(filtered)) shouldContain path
        }

        test("is no measurement where it is trained on") {
            val same = own.copy(evaluation = Evaluation(listOf(forgetting(jsonl("train.jsonl")))))
            same.plan().problems.single { it.startsWith("evaluate: jsonl(") } shouldContain "is also what is trained on"
        }
    }
})
