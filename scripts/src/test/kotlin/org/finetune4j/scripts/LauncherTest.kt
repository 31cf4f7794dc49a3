package org.finetune4j.scripts

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.FileTime
import java.time.Instant
import java.util.jar.JarOutputStream

/** Runs the real `scripts/finetune` in a copy of the project's layout, with a `mvn` that only notes how it was called. */
class LauncherTest : FunSpec({
    test("a script runs from any folder, through a symbolic link, and its exit code and arguments pass through") {
        Project().use { project ->
            project.pretendBuilt()
            val link = Files.createSymbolicLink(project.work.resolve("ft"), project.launcher)
            Files.writeString(project.work.resolve("hello.main.kts"), "println(\"got \" + args.joinToString(\"|\"))\nkotlin.system.exitProcess(7)\n")
            val result = project.call(listOf(link.toString(), "run", "hello.main.kts", "a b", "--c"))
            result.output shouldContain "got a b|--c"
            result.exitCode shouldBe 7
            project.mavenCalls() shouldBe emptyList()
        }
    }

    test("the first call builds with the user's Maven options, the second does not, a changed source does again") {
        Project().use { project ->
            project.call(project.version, "MAVEN_ARGS" to "-Dmaven.repo.local=/some/where -o").let {
                it.output shouldContain "Building finetune4j (first time only)..."
                it.output shouldContain "finetune4j ${BuildInfo.version("finetune4j")}"
            }
            project.mavenCalls().single() shouldContain "-Dmaven.repo.local=/some/where -o install"
            project.call(project.version).output shouldNotContain "uilding"
            project.mavenCalls().size shouldBe 1
            project.touch("dsl/src/main/Recipe.kt")
            project.call(project.version).output shouldContain "Rebuilding finetune4j (its sources changed)..."
            project.mavenCalls().size shouldBe 2
        }
    }

    test("a jar that vanished is built again") {
        Project().use { project ->
            project.pretendBuilt()
            Files.writeString(project.target.resolve("classpath"), "$classPath:/gone/away.jar")
            project.call(project.version)
            project.mavenCalls().size shouldBe 1
        }
    }

    test("a failed build stops with Maven's messages and is tried again") {
        Project().use { project ->
            repeat(2) {
                val result = project.call(project.version, "FAKE_MAVEN_FAILS" to "1")
                result.exitCode shouldBe 1
                result.output shouldContain "[ERROR] no"
                result.output shouldContain "finetune: the build failed"
            }
            project.mavenCalls().size shouldBe 2
        }
    }

    test("missing or old tools are named") {
        Project().use { project ->
            project.call(project.version, "JAVA_HOME" to "/no/java").output shouldContain "no Java found (looked for '/no/java/bin/java')"
            project.fakeJava("11")
            project.call(project.version, "JAVA_HOME" to project.work.toString()).output shouldContain "Java 11 found"
            Files.delete(project.work.resolve("bin/mvn"))
            project.call(project.version, "PATH" to project.toolsWithoutMaven().toString()).let {
                it.exitCode shouldBe 1
                it.output shouldContain "there is no Maven ('mvn') on PATH"
            }
        }
    }

    test("settings of the user win") {
        Project().use { project ->
            project.pretendBuilt()
            val show = "println(listOf(\"OMP_NUM_THREADS\", \"OPENBLAS_NUM_THREADS\", \"OPENBLAS_CORETYPE\").map(System::getenv)" +
                " + (Runtime.getRuntime().maxMemory() shr 20) + Runtime.getRuntime().availableProcessors())"
            Files.writeString(project.work.resolve("show.main.kts"), show)
            val command = listOf(project.launcher.toString(), "run", "show.main.kts")
            project.call(
                command,
                "OMP_NUM_THREADS" to "3",
                "OPENBLAS_NUM_THREADS" to "5",
                "OPENBLAS_CORETYPE" to "HASWELL",
                "FINETUNE_JAVA_OPTS" to "-Xmx300m -XX:+UseSerialGC",
            ).output shouldContain Regex("\\[3, 5, HASWELL, (28|29|30)\\d, 3]")
        }
    }

    test("unless told otherwise all libraries have as many threads as Java, and none spins or takes the processor for an older one") {
        Project().use { project ->
            project.pretendBuilt()
            Files.writeString(project.work.resolve("show.main.kts"), "println(org.finetune4j.bench.ThreadSettings.current().run { listOf(openMp - java, openBlas - java, conflicts()) })")
            val unset = listOf("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_CORETYPE").map { it to "" }
            project.call(listOf(project.launcher.toString(), "run", "show.main.kts"), *unset.toTypedArray())
                .output shouldContain "[0, 0, []]"
        }
    }

    test("tensors lie in large pages, unless told otherwise") {
        Project().use { project ->
            project.pretendBuilt()
            Files.writeString(project.work.resolve("show.main.kts"), "println(\"<\" + System.getenv(\"GLIBC_TUNABLES\") + \">\")")
            val command = listOf(project.launcher.toString(), "run", "show.main.kts")
            project.call(command, "GLIBC_TUNABLES" to "").output shouldContain "<glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=262144>"
            project.call(command, "GLIBC_TUNABLES" to "glibc.malloc.hugetlb=0").output shouldContain "<glibc.malloc.hugetlb=0>"
        }
    }
})

/** The class path of this process without folders of modules that have no classes: the launcher rebuilds for those. */
private val classPath: String = System.getProperty("java.class.path").split(File.pathSeparator)
    .filter { File(it).exists() }.joinToString(File.pathSeparator)

private class Project : AutoCloseable {
    private val root: Path = Files.createTempDirectory("finetune project").toRealPath()
    private val home: Path = root.resolve("home of it")
    val work: Path = Files.createDirectories(root.resolve("work"))
    val target: Path = Files.createDirectories(home.resolve("scripts/target"))
    val launcher: Path = Files.copy(Path.of("finetune"), home.resolve("scripts/finetune"))
    val version: List<String> = listOf(launcher.toString(), "--version")
    private val calls: Path = root.resolve("maven-calls")

    init {
        for (module in listOf("nd4j-ops", "methods", "dsl", "scripts")) touch("$module/src/main/Some.java", secondsAgo = 100)
        touch("pom.xml", secondsAgo = 100)
        tool(
            "mvn",
            """
            echo "${'$'}*" >> '$calls'
            [ -z "${'$'}{FAKE_MAVEN_FAILS:-}" ] || { echo '[ERROR] no'; exit 1; }
            printf %s "${'$'}FAKE_CLASS_PATH" > '$target/classpath'
            """,
        )
        ownJar()
    }

    /** The launcher puts the module's jar in front; here the classes themselves stand on the class path. */
    private fun ownJar() {
        JarOutputStream(Files.newOutputStream(target.resolve("scripts.jar"))).use { it.putNextEntry(java.util.zip.ZipEntry("empty")) }
    }

    fun pretendBuilt() {
        Files.writeString(target.resolve("classpath"), classPath)
        Files.writeString(target.resolve("launcher.stamp"), "")
    }

    fun touch(file: String, secondsAgo: Long = -2) {
        val path = home.resolve(file)
        val time = FileTime.from(Instant.now().minusSeconds(secondsAgo))
        Files.createDirectories(path.parent)
        Files.writeString(path, file)
        generateSequence(path) { it.parent }.takeWhile { it != home }.forEach { Files.setLastModifiedTime(it, time) }
    }

    fun fakeJava(version: String) {
        tool("java", "echo '    java.specification.version = $version' >&2")
    }

    /** The folder of a PATH that has the ordinary tools and the JDK of this test, but no Maven. */
    fun toolsWithoutMaven(): Path {
        val folder = Files.createDirectories(root.resolve("tools"))
        val java = Path.of(System.getProperty("java.home"), "bin")
        for (name in listOf("sh", "dirname", "readlink", "sed", "cat", "find", "head", "mkdir", "grep", "nproc", "flock")) {
            System.getenv("PATH").split(File.pathSeparator).map { Path.of(it, name) }.firstOrNull(Files::exists)
                ?.let { Files.createSymbolicLink(folder.resolve(name), it) }
        }
        for (name in listOf("java", "javac")) Files.createSymbolicLink(folder.resolve(name), java.resolve(name))
        return folder
    }

    private fun tool(name: String, body: String) {
        val file = Files.createDirectories(work.resolve("bin")).resolve(name)
        Files.writeString(file, "#!/bin/sh\n" + body.trimIndent() + "\n")
        file.toFile().setExecutable(true)
    }

    fun mavenCalls(): List<String> = if (Files.exists(calls)) Files.readAllLines(calls) else emptyList()

    class Result(val exitCode: Int, val output: String)

    fun call(command: List<String>, vararg settings: Pair<String, String>): Result {
        val builder = ProcessBuilder(command).directory(work.toFile()).redirectErrorStream(true)
        builder.environment().apply {
            listOf("MAVEN_ARGS", "MAVEN_OPTS", "FINETUNE_JAVA_OPTS", "CLASSPATH").forEach(::remove)
            put("JAVA_HOME", System.getProperty("java.home"))
            put("PATH", work.resolve("bin").toString() + File.pathSeparator + System.getenv("PATH"))
            put("XDG_CACHE_HOME", root.resolve("cache").toString())
            put("FAKE_CLASS_PATH", classPath)
            putAll(settings)
        }
        val process = builder.start()
        val output = process.inputStream.bufferedReader().readText()
        return Result(process.waitFor(), output)
    }

    override fun close() {
        root.toFile().deleteRecursively()
    }
}
