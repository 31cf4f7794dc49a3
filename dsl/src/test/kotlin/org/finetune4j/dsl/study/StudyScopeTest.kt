package org.finetune4j.dsl.study

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.adamW
import org.finetune4j.dsl.asft
import org.finetune4j.dsl.grape
import org.finetune4j.dsl.jsonl
import org.finetune4j.dsl.lora
import org.finetune4j.dsl.sft
import org.finetune4j.methods.select.Grape

class StudyScopeTest : FunSpec({
    fun StudyScope.usual() = common {
        base("m")
        data(jsonl("train.jsonl"))
        adapt(lora(rank = 4))
        train { tokensPerBatch = 512; optimizer = adamW(lr = 1e-3) }
    }

    fun refusal(content: StudyScope.() -> Unit): String = shouldThrow<FinetuneException> { study("s", content = content) }.message!!

    test("an arm is the common recipe with what its block says in its place, once for every seed") {
        val built = study("s") {
            seeds = listOf(3, 5)
            usual()
            baseline("sft") { objective(sft()) }
            arm("asft") {
                objective(asft(kl = 0.2))
                train { tokensPerBatch = 64 }
            }
        }
        built.arms.map { it.name } shouldBe listOf("sft", "asft")
        val recipes = built.arm("asft").recipes
        recipes.map { it.training.seed } shouldBe listOf(3L, 5L)
        recipes.map { it.output } shouldBe listOf("runs/s/arms/asft/seed-3", "runs/s/arms/asft/seed-5")
        recipes[0].objective shouldBe asft(kl = 0.2)
        recipes[0].adapter shouldBe lora(rank = 4)
        // What the common block set stays where the arm's own block does not say otherwise.
        recipes[0].training.tokensPerBatch shouldBe 64
        recipes[0].training.optimizer shouldBe adamW(lr = 1e-3)
        built.arm("sft").recipes[0].training.tokensPerBatch shouldBe 512
        built.baselineOf(built.arm("asft")) shouldBe built.arm("sft")
        built.baselineOf(built.arm("sft")) shouldBe null
    }

    test("a sweep is an arm for each value, and fragments may take the seed") {
        val built = study("s") {
            usual()
            baseline("order=random")
            sweep("order", *Grape.Order.values()) { select(grape(order = it, seed = seed)) }
            sweep("kl", 0.0, 0.5, arm = "asft") { objective(asft(kl = it)) }
        }
        built.arms.map { it.name } shouldBe listOf("order=highest", "order=lowest", "order=random", "asft kl=0.0", "asft kl=0.5")
        built.arm("order=random").recipes.map { it.selectors.single() } shouldBe listOf(1L, 2L, 3L).map { grape(order = Grape.Order.RANDOM, seed = it) }
        built.arm("asft kl=0.5").coordinates shouldBe listOf(Coordinate("kl", "0.5", 0.5))
        built.arm("order=highest").coordinates.single().number shouldBe null
    }

    test("across makes every arm with every value, and a baseline for each of them") {
        val built = study("s") {
            usual()
            baseline("sft") { objective(sft()) }
            sweep("kl", 0.1, 0.5) { objective(asft(kl = it)) }
            across("lr", 1e-4, 1e-3) { train { optimizer = adamW(lr = it) } }
        }
        built.arms.map { it.name } shouldBe
            listOf("sft lr=1.0E-4", "sft lr=0.001", "kl=0.1 lr=1.0E-4", "kl=0.1 lr=0.001", "kl=0.5 lr=1.0E-4", "kl=0.5 lr=0.001")
        built.baselineOf(built.arm("kl=0.5 lr=0.001"))?.name shouldBe "sft lr=0.001"
        built.arm("kl=0.1 lr=1.0E-4").recipes[0].training.optimizer.lr shouldBe 1e-4
        built.arm("kl=0.1 lr=1.0E-4").recipes[0].objective shouldBe asft(kl = 0.1)
        study("alone") {
            usual()
            across("lr", 1e-4, 1e-3) { train { optimizer = adamW(lr = it) } }
        }.arms.map { it.name } shouldBe listOf("lr=1.0E-4", "lr=0.001")
    }

    test("a stage begins from the base, and arms continue from it: from one for all seeds, or from one for each") {
        fun built(perSeed: Boolean) = study("s") {
            seeds = listOf(7, 8)
            usual()
            val warmUp = stage("warm up", perSeed) { train { epochs = 2 } }
            common { continueFrom(warmUp) }
            arm("sft")
            arm("asft") { objective(asft()) }
        }
        built(false).stages.single().recipes.map { it.output } shouldBe listOf("runs/s/stages/warm-up/seed-7")
        built(false).stages.single().recipes.single().continueFrom shouldBe null
        built(false).arm("asft").recipes.map { it.continueFrom } shouldBe List(2) { "runs/s/stages/warm-up/seed-7" }
        built(true).arm("asft").recipes.map { it.continueFrom } shouldBe listOf(7, 8).map { "runs/s/stages/warm-up/seed-$it" }
        built(true).stages.single().recipes.map { it.training.seed } shouldBe listOf(7L, 8L)
    }

    test("a counted budget sets the steps of every arm, and recipes that say their own length are refused") {
        val built = study("s") {
            usual()
            equalSteps(20)
            arm("sft")
            arm("asft") { objective(asft()) }
        }
        built.arms.flatMap { it.recipes }.map { it.training.maxSteps }.distinct() shouldBe listOf(20L)
        refusal {
            usual()
            equalSteps(20)
            arm("sft")
            arm("asft") { objective(asft()); train { epochs = 3 } }
        } shouldContain "arm 'asft' says how long it trains, but the study gives 20 optimiser steps each. Remove epochs and maxSteps"
    }

    test("everything that is wrong is told at once") {
        val message = refusal {
            usual()
            seeds = listOf(1, 1)
            equalSteps(0)
            arm("a b")
            arm("a-b") { objective(asft()) }
            baseline("c")
        }
        message shouldContain "The study 's' is not whole, 4 problems"
        message shouldContain "seeds are [1, 1], but two runs with one seed are the same run twice"
        message shouldContain "equalSteps: setting 'count' is 0, but must be at least 1"
        message shouldContain "the baseline is 'c', but there is no such arm; there are a b, a-b."
        message shouldContain "arms: 'a b' and 'a-b' would share a folder"
    }

    test("arms that are the same recipe, own folders and seeds, several budgets, and studies of nothing are refused") {
        refusal { usual(); arm("a"); arm("b") { adapt(lora(rank = 4)) } } shouldContain
            "the arms 'a' and 'b' have equal recipes, so that they compare nothing"
        refusal { usual(); arm("a") { output("x") } } shouldContain "arm 'a' says output(...), but every run of a study has a folder of its own"
        refusal { usual(); arm("a") { train { seed = 9 } } } shouldContain "arm 'a' sets train.seed to 9, but the seeds of the study decide it"
        refusal { usual(); equalSteps(); differentBudgets(); arm("a") } shouldContain "the budget was given 2 times: equal optimiser steps and budgets may differ"
        refusal { usual(); baseline("a") {}; baseline("b") {} } shouldContain "the baseline was given 2 times: a and b"
        refusal { usual() } shouldContain "there is no arm"
        refusal { usual(); seeds = emptyList(); arm("a") } shouldContain "seeds is empty"
        val missing = refusal { arm("a") { adapt(lora()) } }
        missing shouldContain "arm 'a': This recipe cannot run, 2 problems"
        missing shouldContain "base: nothing says what training starts from"
        missing shouldNotContain "equal recipes"
        shouldThrow<FinetuneException> { study("s") { usual(); arm("plain") }.arm("plan") }.message!! shouldContain "Did you mean 'plain'?"
    }

    test("a study comes back equal from its JSON, and code of a script has none") {
        val built = study("s") {
            usual()
            val warmUp = stage("warm up") { train { epochs = 2 } }
            equalSupervisedTokens(5000, tolerance = 0.1)
            baseline("sft") { objective(sft()) }
            sweep("kl", 0.1, 0.5) { objective(asft(kl = it)); continueFrom(warmUp) }
            across("rank", 2, 4) { adapt(lora(rank = it)) }
        }
        Study.fromJson(built.toJson()) shouldBe built
        val own = study("s") {
            usual()
            arm("mine") { objective("mine") { view -> view.logProbability().neg() } }
        }
        shouldThrow<FinetuneException> { own.toJson() }.message!! shouldContain "arms[0].recipes[0].objective: 'mine' was defined in a script"
    }

    test("JSON that is no study is refused with everything that is wrong") {
        val json = study("s") { usual(); arm("sft"); arm("asft") { objective(asft()) } }.toJson()
        shouldThrow<FinetuneException> { Study.fromJson("[") }.message!! shouldContain "A study was expected, but the text is not JSON"
        val odd = json.replaceFirst("\"type\": \"steps\"", "\"type\": \"stepps\"").replaceFirst("\"tokensPerBatch\"", "\"tokensPerBach\"")
        val message = shouldThrow<FinetuneException> { Study.fromJson(odd) }.message!!
        message shouldContain "This is not a study, 2 problems"
        message shouldContain "Did you mean 'steps'?"
        message shouldContain "arms[0].recipes[0].train.tokensPerBach"
        shouldThrow<FinetuneException> { Study.fromJson(json.replaceFirst("\"seed\": 2", "\"seed\": 4")) }.message!! shouldContain
            "'sft' has recipes with the seeds [1, 4, 3], but the study's seeds are [1, 2, 3]"
    }
})
