package org.finetune4j.dsl.reference

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotBeBlank
import io.kotest.matchers.string.shouldStartWith
import kotlinx.serialization.json.JsonPrimitive
import org.finetune4j.FinetuneException
import org.finetune4j.methods.Method
import org.finetune4j.methods.Methods
import org.finetune4j.methods.objective.DftDynamic

class MethodReferenceTest : FunSpec({
    fun of(name: String) = MethodReference.all().single { it.name == name }

    test("every method of the catalogue has a summary and its defaults, and says its place") {
        MethodReference.all().map { it.name }.toSet() shouldBe Methods.all().map { it.name() }.toSet()
        for (method in MethodReference.all()) {
            withClue(method.name) {
                method.summary.shouldNotBeBlank()
                method.title.shouldNotBeBlank()
                method.source.shouldNotBeBlank()
                method.call shouldStartWith method.name + "("
            }
        }
    }

    test("names, types and defaults are those of the code, and ranges those of the function's comment") {
        val asft = of("asft")
        asft.kind shouldBe "objective"
        asft.place shouldBe "objective(...)"
        asft.settings.map { it.name } shouldBe listOf("kl", "direction", "weightFloor")
        asft.settings[0].default shouldBe JsonPrimitive(0.05)
        asft.settings[0].type shouldBe "a number"
        asft.settings[0].meaning shouldContain "finite and at least 0"
        asft.settings[1].type shouldBe "forward or reverse"
        asft.settings[1].shown shouldBe "KlDirection.FORWARD"
        asft.call shouldBe "asft(kl = 0.05, direction = KlDirection.FORWARD, weightFloor = 0.0)"
        asft.summary shouldStartWith "Anchored supervised fine-tuning: dftDynamic with a divergence"
        of("lora").settings.single { it.name == "targets" }.type shouldBe "a list: a text each"
        of("grape").settings.single { it.name == "normalise" }.type shouldBe "true or false"
    }

    test("a method that cannot be made without settings tells them from its function") {
        val method = Method<DftDynamic>("needy", Method.Kind.OBJECTIVE, "Needy", "a test") { throw FinetuneException("folder is missing") }
        val source = """
            /**
             * Needs a [folder], see [sft].
             *
             * Second paragraph.
             *
             * @param folder where it lies, not
             *   blank
             * @param names pairs, such as "a, b"
             * @throws X when
             */
            public fun needy(folder: String, names: Map<String, List<Int>> = mapOf("a, b" to listOf(1, 2)), limit: Int = 3): Objective = TODO()
        """
        val reference = MethodReference.of(method, FunctionComments(listOf(source)))
        reference.summary shouldBe "Needs a folder, see sft.\nSecond paragraph."
        reference.settings.map { it.name } shouldBe listOf("folder", "names", "limit")
        reference.settings.map { it.shown } shouldBe listOf(null, "mapOf(\"a, b\" to listOf(1, 2))", "3")
        reference.settings[0].meaning shouldBe "where it lies, not blank"
        reference.call shouldBe "needy(folder = ...)"
    }
})
