package org.finetune4j.dsl.study

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import org.finetune4j.FinetuneException
import org.finetune4j.checkpoint.Hashes
import org.finetune4j.dsl.DataSource
import org.finetune4j.dsl.DerivedData
import org.finetune4j.dsl.MadeData
import org.finetune4j.dsl.Mixture
import org.finetune4j.dsl.ModelFolder
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.RecordFiles
import org.finetune4j.dsl.ScriptFilter
import org.finetune4j.dsl.ScriptObjective
import org.finetune4j.dsl.SettingSource
import org.finetune4j.dsl.SqlQuery
import org.finetune4j.dsl.Training
import org.finetune4j.dsl.UntrainedModel
import org.finetune4j.dsl.json.RecipeJson
import org.finetune4j.methods.Fragment
import java.io.RandomAccessFile
import java.lang.reflect.Modifier
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.Path
import java.util.HexFormat

/**
 * What a run is of: its results are those of a study as long as this is the same. Of code in a script only its name and
 * the values that it has taken in are known.
 *
 * @property recipe the recipe without what changes no result
 * @property inputs hashes of the files that it reads, and of the run that it continues from, by name
 */
@Serializable
internal data class TrialIdentity(val recipe: JsonElement, val inputs: Map<String, String>) {
    val hash: String get() = Hashes.of("$recipe $inputs")

    /** In what [other] differs: paths of the recipe with both values, and names of inputs. */
    fun differences(other: TrialIdentity): List<String> = between(recipe, other.recipe, "") +
        (inputs.keys + other.inputs.keys).filter { inputs[it] != other.inputs[it] }.map { "other contents of $it" }

    /** The hash of the identity of the run that this one continues from, if it does. */
    val startHash: String? get() = inputs[START]

    /** This identity behind a start of another hash. */
    fun behind(start: String): TrialIdentity = copy(inputs = inputs + (START to start))

    /** This identity as it is written today: settings that came since have their defaults. */
    fun upToDate(): TrialIdentity = try {
        copy(recipe = RecipeJson.tree(RecipeJson.provenance(RecipeJson.read("$recipe"))))
    } catch (_: FinetuneException) {
        this
    }

    private fun between(here: JsonElement?, there: JsonElement?, path: String): List<String> = when {
        here == there -> emptyList()
        here is JsonObject && there is JsonObject -> (here.keys + there.keys).flatMap { between(here[it], there[it], if (path.isEmpty()) it else "$path.$it") }
        here is JsonArray && there is JsonArray && here.size == there.size ->
            here.indices.flatMap { between(here[it], there[it], "$path[$it]") }
        else -> listOf("$path is ${here ?: "not there"}, was ${there ?: "not there"}")
    }

    /** Finds identities, reading every file once. */
    class Finder {
        private val known = mutableMapOf<Any, String>()

        /** @throws org.finetune4j.FinetuneException when data cannot be read */
        fun identity(trial: Trial): TrialIdentity {
            val recipe = trial.recipe
            val inputs = listOfNotNull(
                "base" to known.getOrPut(recipe.base) { base(recipe) },
                "data" to data(recipe.data.source),
                recipe.heldOut?.let { "heldOut" to data(it) },
                recipe.data.template.file?.let { "data.template" to contents(Path.of(it)) },
                fragments(recipe).flatMap(::sources).takeIf { it.isNotEmpty() }?.let { "settings" to Hashes.of(it.joinToString(transform = ::data)) },
                fragments(recipe).flatMap(::folders).takeIf { it.isNotEmpty() }
                    ?.let { "models" to Hashes.of(it.joinToString { folder -> known.getOrPut(folder) { contents(folder) } }) },
                scripts(recipe.objective).takeIf { it.isNotEmpty() }?.let { "objective" to it.joinToString() },
                trial.start?.let { START to identity(it).hash },
            )
            return TrialIdentity(RecipeJson.tree(RecipeJson.provenance(withoutBookkeeping(recipe, trial.start != null))), inputs.toMap())
        }

        private fun data(source: DataSource): String = known.getOrPut(source) { Hashes.of(source.open().fingerprint() ?: parts(source)) }

        /** Of data through which a script's code goes: what it reads, and the code. */
        private fun parts(source: DataSource): String = when (source) {
            is ScriptFilter -> "${data(source.source)} ${captured(source.keeps)}"
            is DerivedData -> data(source.source)
            is Mixture -> source.parts.joinToString { data(it.source) }
            is MadeData -> source.of.joinToString(transform = ::data)
            is RecordFiles, is SqlQuery -> "unknown"
        }

        /** What objectives of a script have taken in: this one, or those inside of it. */
        private fun scripts(fragment: Fragment): List<String> = if (fragment is ScriptObjective) listOf(captured(fragment.loss))
        else fragment.settings().values.filterIsInstance<Fragment>().flatMap(::scripts)

        /** What a lambda of a script has taken in, which a change of the numbers around it changes; its code is not known. */
        private fun captured(lambda: Any): String = lambda.javaClass.declaredFields.filterNot { Modifier.isStatic(it.modifiers) }
            .sortedBy { it.name }.joinToString(prefix = "script(", postfix = ")") { field ->
                field.isAccessible = true
                plain(field.get(lambda))
            }

        /** A value that says the same in every process. */
        private fun plain(value: Any?): String = when (value) {
            null, is Number, is Boolean, is Char, is String -> "$value"
            is Enum<*> -> value.name
            is Iterable<*> -> value.joinToString(prefix = "[", postfix = "]", transform = ::plain)
            else -> value.javaClass.name.substringBefore("$$" + "Lambda")
        }

        private fun fragments(recipe: Recipe): List<Fragment> =
            recipe.selectors + recipe.objective + listOfNotNull(recipe.adapter, recipe.decoder) + recipe.evaluation?.metrics.orEmpty()

        /** The samples that a fragment or one in its settings reads. */
        private fun sources(fragment: Fragment): List<DataSource> = fragment.settings().values.flatMap {
            when (it) {
                is SettingSource -> listOf(it.source)
                is Fragment -> sources(it)
                else -> emptyList()
            }
        }

        /** Models and adapters in folders that texts in the settings of a fragment name. */
        private fun folders(fragment: Fragment): List<Path> = fragment.settings().values.flatMap { value ->
            when (value) {
                is String -> listOfNotNull(folder(value))
                is Iterable<*> -> value.filterIsInstance<String>().mapNotNull(::folder)
                is Fragment -> folders(value)
                else -> emptyList()
            }
        }

        private fun folder(text: String): Path? = try {
            Path.of(text).takeIf { text.isNotBlank() && MODEL_FILES.any { name -> Files.isRegularFile(it.resolve(name)) } }
        } catch (_: InvalidPathException) {
            null
        }

        private fun base(recipe: Recipe): String = when (val base = recipe.base) {
            is ModelFolder -> contents(Path.of(base.path))
            is UntrainedModel -> contents(Path.of(base.tokenizer))
        }

        /** Where a run lies, and what it keeps and computes again, changes nothing that it measures. */
        private fun withoutBookkeeping(recipe: Recipe, stage: Boolean): Recipe {
            val usual = Training()
            val training = recipe.training.copy(
                checkpointEvery = usual.checkpointEvery,
                keepCheckpoints = usual.keepCheckpoints,
                evaluateEvery = usual.evaluateEvery,
                memory = usual.memory,
            )
            return recipe.copy(output = null, continueFrom = recipe.continueFrom.takeIf { !stage }, training = training)
        }

        /** Names and sizes of the files of a folder, and the ends of what they hold: other weights differ in every part. */
        private fun contents(place: Path): String {
            val files = if (Files.isDirectory(place)) Files.list(place).use { it.filter(Files::isRegularFile).sorted().toList() } else listOf(place)
            return Hashes.of(files.filter(Files::isRegularFile).joinToString("\n") { "${it.fileName} ${ends(it)}" })
        }

        private fun ends(file: Path): String = RandomAccessFile(file.toFile(), "r").use { open ->
            val digest = Hashes.sha256()
            for (start in listOf(0L, maxOf(0L, open.length() - END)).distinct()) {
                val bytes = ByteArray(minOf(END, open.length() - start).toInt())
                open.seek(start)
                open.readFully(bytes)
                digest.update(bytes)
            }
            "${open.length()} ${HexFormat.of().formatHex(digest.digest())}"
        }
    }
}

private const val START = "continueFrom"

/** By which a folder is known for one of a model or an adapter. */
private val MODEL_FILES = listOf("config.json", "adapter_config.json")

/** As much of either end of a file is looked at, in bytes. */
private const val END = 1L shl 20
