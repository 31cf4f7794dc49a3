package org.finetune4j.scripts.host

import org.finetune4j.scripts.BuildInfo
import org.jetbrains.kotlin.mainKts.MainKtsEvaluationConfiguration
import org.jetbrains.kotlin.mainKts.MainKtsScript
import org.jetbrains.kotlin.mainKts.MainKtsScriptDefinition
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.time.Instant
import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine
import kotlin.script.experimental.api.CompiledScript
import kotlin.script.experimental.api.EvaluationResult
import kotlin.script.experimental.api.ResultValue
import kotlin.script.experimental.api.ResultWithDiagnostics
import kotlin.script.experimental.api.ScriptCompilationConfiguration
import kotlin.script.experimental.api.ScriptEvaluationConfiguration
import kotlin.script.experimental.api.baseClass
import kotlin.script.experimental.api.compilerOptions
import kotlin.script.experimental.api.dependencies
import kotlin.script.experimental.api.fileExtension
import kotlin.script.experimental.api.importScripts
import kotlin.script.experimental.api.with
import kotlin.script.experimental.dependencies.withTransformedResolvers
import kotlin.script.experimental.host.FileBasedScriptSource
import kotlin.script.experimental.host.FileScriptSource
import kotlin.script.experimental.jvm.BasicJvmScriptEvaluator
import kotlin.script.experimental.jvm.JvmDependency
import kotlin.script.experimental.jvm.baseClassLoader
import kotlin.script.experimental.jvm.impl.KJvmCompiledScript
import kotlin.script.experimental.jvm.jvm
import kotlin.script.experimental.jvm.mainArguments
import kotlin.script.experimental.jvm.updateClasspath
import kotlin.script.experimental.jvmhost.JvmScriptCompiler
import kotlin.script.experimental.jvmhost.loadScriptFromJar
import kotlin.script.experimental.jvmhost.saveToJar

/**
 * Runs `.main.kts` files with this process's class path, so that finetune4j is there without any download.
 *
 * The script definition is Kotlin's own, hence `@file:DependsOn`, `@file:Repository`, `@file:Import`,
 * `@file:CompilerOptions` and `args` mean what they mean under the stock `kotlin` command.
 *
 * @param cacheDirectory where compiled scripts are kept
 */
public class ScriptHost(cacheDirectory: Path = ScriptCache.defaultDirectory()) {
    private val classPath = ClassPath.ofThisProcess()
    private val cache = ScriptCache(cacheDirectory)

    /**
     * Runs [script], which sees [arguments] as `args`; what the compiler only warns of goes to [onWarnings].
     *
     * @throws java.io.IOException if the script cannot be read
     */
    public fun run(
        script: Path,
        arguments: List<String>,
        onWarnings: (List<ScriptProblem>) -> Unit = {},
    ): ScriptOutcome {
        val file = script.toAbsolutePath().normalize()
        val text = Files.readString(file)
        val key = ScriptCache.key(file, text, classPath)
        cache.find(key)?.let { entry ->
            entry.jar.toFile().loadScriptFromJar()?.let { compiled ->
                return evaluate(compiled, arguments, sources = listOf(file) + entry.imports, fromCache = true)
            }
        }
        return when (val result = compile(file, text, key)) {
            is ResultWithDiagnostics.Failure -> ScriptOutcome.NotCompiled(ScriptProblem.refusals(result.reports))
            is ResultWithDiagnostics.Success -> {
                ScriptProblem.of(result.reports).takeIf { it.isNotEmpty() }?.let(onWarnings)
                evaluate(result.value, arguments, sources = listOf(file) + importsOf(result.value), fromCache = false)
            }
        }
    }

    private fun compile(file: Path, text: String, key: String): ResultWithDiagnostics<CompiledScript> {
        val started = Instant.now()
        // The compiler of the stock 'kotlin' command. The default one of 2.3.21 crashes on a call of an imported function.
        val result = await { JvmScriptCompiler.createLegacy()(FileScriptSource(file.toFile(), text), compilationConfiguration()) }
        if (result is ResultWithDiagnostics.Success) {
            val compiled = result.value as KJvmCompiledScript
            cache.store(key, importsOf(compiled), librariesOf(compiled), started) { compiled.saveToJar(it) }
        }
        return result
    }

    private fun compilationConfiguration(): ScriptCompilationConfiguration =
        ScriptCompilationConfiguration(MainKtsScriptDefinition()) {
            baseClass(MainKtsScript::class)
            fileExtension("main.kts")
            updateClasspath(classPath.forScripts())
            compilerOptions("-jvm-target", JVM_TARGET)
        }.withTransformedResolvers { OwnArtifacts(BuildInfo.version("finetune4j"), it) }

    private fun evaluate(
        compiled: CompiledScript,
        arguments: List<String>,
        sources: List<Path>,
        fromCache: Boolean,
    ): ScriptOutcome {
        val configuration: ScriptEvaluationConfiguration = MainKtsEvaluationConfiguration.with {
            jvm {
                mainArguments(arguments.toTypedArray())
                baseClassLoader(ScriptHost::class.java.classLoader)
            }
        }
        return when (val result = await { BasicJvmScriptEvaluator()(compiled, configuration) }) {
            is ResultWithDiagnostics.Failure -> ScriptOutcome.NotCompiled(ScriptProblem.refusals(result.reports))
            is ResultWithDiagnostics.Success -> outcomeOf(result.value, sources, fromCache)
        }
    }

    private fun outcomeOf(result: EvaluationResult, sources: List<Path>, fromCache: Boolean): ScriptOutcome =
        when (val value = result.returnValue) {
            is ResultValue.Error -> ScriptOutcome.Failed(value.error, sources, fromCache)
            else -> ScriptOutcome.Completed(fromCache)
        }

    /** Every script that [compiled] imports, directly or through another import. */
    private fun importsOf(compiled: CompiledScript): List<Path> = withImported(compiled)
        .flatMap { it.compilationConfiguration[ScriptCompilationConfiguration.importScripts].orEmpty() }
        .filterIsInstance<FileBasedScriptSource>()
        .map { it.file.toPath().toAbsolutePath().normalize() }
        .distinct().toList()

    /** The jars and folders that were resolved for [compiled], as opposed to those that this process brings. */
    private fun librariesOf(compiled: CompiledScript): List<Path> = withImported(compiled)
        .flatMap { it.compilationConfiguration[ScriptCompilationConfiguration.dependencies].orEmpty() }
        .filterIsInstance<JvmDependency>()
        .flatMap(JvmDependency::classpath)
        .filter(File::exists)
        .map { it.toPath().toAbsolutePath().normalize() }
        .distinct().filterNot(classPath.entries::contains).toList()

    private fun withImported(compiled: CompiledScript): Sequence<CompiledScript> =
        sequenceOf(compiled) + compiled.otherScripts.asSequence().flatMap(::withImported)

    /** Runs a suspending call of the scripting API here and now; the API suspends by signature only. */
    private fun <T> await(block: suspend () -> T): T {
        var outcome: Result<T>? = null
        block.startCoroutine(Continuation(EmptyCoroutineContext) { outcome = it })
        return checkNotNull(outcome) { "the Kotlin scripting API suspended, which this host does not expect" }.getOrThrow()
    }

    private companion object {
        /** The level of finetune4j's own classes; lower ones could not inline its functions. */
        const val JVM_TARGET = "17"
    }
}
