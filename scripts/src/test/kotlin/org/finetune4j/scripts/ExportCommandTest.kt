package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.test
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.readBytes

class ExportCommandTest : FunSpec({
    val folder = tempdir().toPath()
    val tiny = Path.of("..", "samples", "models", "tiny").toAbsolutePath().normalize()

    test("a model becomes a GGUF file of the type that is asked for") {
        val sizes = listOf("q8_0", "f32").map { type ->
            val file = folder.resolve("tiny.$type.gguf")
            val result = ExportCommand().test("$tiny --gguf $file --type $type")
            withClue(result.output) { result.statusCode shouldBe 0 }
            result.stdout shouldContain "Wrote $file as $type"
            file.readBytes().take(4).toByteArray().decodeToString() shouldBe "GGUF"
            file.readBytes().size
        }
        // 34 bytes for 32 numbers against 128, beside metadata and norms.
        withClue(sizes) { (sizes[1] > 3 * sizes[0]) shouldBe true }
    }

    test("a model folder is written beside it") {
        val out = folder.resolve("copy")
        ExportCommand().test("$tiny --folder $out").statusCode shouldBe 0
        out.resolve("model.safetensors").readBytes().size shouldBe tiny.resolve("model.safetensors").readBytes().size
        out.resolve("tokenizer.json").readBytes() shouldBe tiny.resolve("tokenizer.json").readBytes()
    }

    test("what is wrong is told in one message, and nothing is left behind") {
        val file = folder.resolve("none.gguf")
        val missing = ExportCommand().test("$tiny/nowhere --gguf $file")
        missing.statusCode shouldBe 2
        missing.stderr shouldContain "config.json"
        val adapter = ExportCommand().test("$tiny --adapter $tiny --gguf $file")
        adapter.statusCode shouldBe 2
        adapter.stderr shouldContain "adapter_config.json"
        ExportCommand().test("$tiny --gguf $file --type q4_0").stderr shouldContain "q8_0"
        ExportCommand().test("$tiny").stderr shouldContain "--gguf FILE"
        file.exists() shouldBe false
    }
})
