package org.finetune4j.scripts.host

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.FileTime
import java.time.Instant

class ScriptCacheTest : FunSpec({
    val bytes = ByteArray(2000) { (it * 31).toByte() }

    fun store(cache: ScriptCache, imports: List<Path> = emptyList(), libraries: List<Path> = emptyList()): Boolean =
        cache.store("key", imports, libraries, Instant.now()) { file: File -> file.writeBytes(bytes) }

    test("an entry comes back whole") {
        ScriptFolder().use { scripts ->
            val cache = ScriptCache(scripts.cache)
            val import = scripts.write("a.main.kts", "val a = 1")
            store(cache, imports = listOf(import)) shouldBe true
            val entry = cache.find("key").shouldNotBeNull()
            Files.readAllBytes(entry.jar) shouldBe bytes
            entry.imports shouldBe listOf(import)
            cache.find("another key").shouldBeNull()
        }
    }

    test("every single damage makes an entry absent") {
        val damages = mapOf<String, (ByteArray) -> ByteArray>(
            "a flipped bit" to { it.clone().also { copy -> copy[copy.size / 2] = (copy[copy.size / 2].toInt() xor 1).toByte() } },
            "a cut tail" to { it.copyOf(it.size - 1) },
            "nothing left" to { ByteArray(0) },
            "binary garbage" to { ByteArray(it.size) { index -> (index * 7 + 200).toByte() } },
        )
        for ((name, damage) in damages) {
            for (ending in listOf(".jar", ".entry")) {
                ScriptFolder().use { scripts ->
                    val cache = ScriptCache(scripts.cache)
                    store(cache)
                    val file = scripts.cached(ending).single()
                    // The last byte of an entry is its line end, which may go missing without harm.
                    val whole = Files.readAllBytes(file).let { if (ending == ".entry") it.copyOf(it.size - 1) else it }
                    Files.write(file, damage(whole))
                    withClue(name, ending) { cache.find("key").shouldBeNull() }
                }
            }
        }
    }

    test("a changed or missing library makes an entry absent") {
        ScriptFolder().use { scripts ->
            val cache = ScriptCache(scripts.cache)
            val library = scripts.write("library.jar", "one")
            store(cache, libraries = listOf(library)) shouldBe true
            cache.find("key").shouldNotBeNull()
            scripts.write("library.jar", "three")
            cache.find("key").shouldBeNull()
            Files.delete(library)
            cache.find("key").shouldBeNull()
        }
    }

    test("what was saved while the compiler ran is not stored") {
        ScriptFolder().use { scripts ->
            val cache = ScriptCache(scripts.cache)
            val import = scripts.write("late.main.kts", "val a = 1")
            Files.setLastModifiedTime(import, FileTime.from(Instant.now().plusSeconds(1)))
            store(cache, imports = listOf(import)) shouldBe false
            cache.find("key").shouldBeNull()
        }
    }

    test("old files are forgotten and no temporary file stays") {
        ScriptFolder().use { scripts ->
            val cache = ScriptCache(scripts.cache)
            Files.createDirectories(scripts.cache)
            val old = Files.writeString(scripts.cache.resolve("old.jar"), "old")
            Files.setLastModifiedTime(old, FileTime.from(Instant.now().minusSeconds(40L * 24 * 3600)))
            store(cache) shouldBe true
            Files.exists(old) shouldBe false
            scripts.cached(".tmp") shouldBe emptyList()
        }
    }

    test("the key tells scripts, texts and class paths apart") {
        ScriptFolder().use { scripts ->
            val jar = scripts.write("a.jar", "1")
            val script = scripts.folder.resolve("x.main.kts")
            val key = ScriptCache.key(script, "text", ClassPath(listOf(jar)))
            ScriptCache.key(script, "text", ClassPath(listOf(jar))) shouldBe key
            ScriptCache.key(script, "texts", ClassPath(listOf(jar))) shouldNotBe key
            ScriptCache.key(scripts.folder.resolve("y.main.kts"), "text", ClassPath(listOf(jar))) shouldNotBe key
            ScriptCache.key(script, "text", ClassPath(emptyList())) shouldNotBe key
            scripts.write("a.jar", "22")
            ScriptCache.key(script, "text", ClassPath(listOf(jar))) shouldNotBe key
        }
    }
})

private fun withClue(vararg clues: String, check: () -> Unit) =
    io.kotest.assertions.withClue(clues.joinToString(" in "), check)
