package org.finetune4j.dsl

import org.finetune4j.methods.Method
import org.finetune4j.methods.Nearest
import java.nio.file.Path

/** Every refusal of this module in one place: what was found, why it is refused and what to do. */
internal object Messages {
    fun unknownKey(key: String, known: Collection<String>): String =
        "there is no '$key' here; ${suggestion(key, known)}"

    fun unknownName(name: String, known: Collection<String>): String = "'$name' is unknown; ${suggestion(name, known)}"

    fun unknownMethod(name: String, kind: Method.Kind, known: Collection<String>): String =
        "there is no method '$name' for ${kind.name.lowercase()}(...); ${suggestion(name, known)}"

    fun missingKey(key: String): String = "'$key' is missing. Add it."

    fun wrongType(found: String, wanted: String): String = "$found is not $wanted. Correct the value."

    fun definedInScript(name: String): String =
        "'$name' was defined in a script, and JSON cannot hold its code. Run the script itself, or use a published method."

    const val NO_BASE: String = "nothing says what training starts from. Add base(\"folder\") with a model in the Hugging Face layout."

    const val NO_DATA: String = "nothing says what to train on. Add data(jsonl(\"train.jsonl\"))."

    const val NO_HELD_OUT: String =
        "evaluate(...) has no samples to ask. Add heldOut(jsonl(\"held-out.jsonl\")) with samples that are not trained on."

    const val DEMONSTRATIONS_LEARNED =
        "inContext puts demonstrations before every sample, whose answers would be learned too. Say chatTemplate(supervise = Turns.LAST)."

    fun heldOutIsTrainedOn(source: DataSource): String =
        "$source is also what is trained on, so that the measurement would only show what was learned by heart. Give another file."

    fun noTemplate(file: String): String =
        "$file is not a file, but the chat template is to be read from it. Correct the path, or use chatTemplate() for the model's own."

    fun nothingToContinue(run: String): String =
        "$run is no folder of a run with checkpoints, so there are no weights to begin with. Give the output(...) of a run " +
            "that wrote checkpoints (train.checkpointEvery above 0)."

    fun impossibleShape(problem: String): String =
        "newModel(...) cannot be built: $problem. Correct the sizes given to newModel."

    fun otherNewModel(folder: Path): String =
        "$folder holds the start of a run with another new model or tokenizer, so this recipe cannot go on from it. Choose " +
            "another output(...), or delete the run's folder."

    const val STOPPING: String = "Stopping: first the step in hand is finished and a checkpoint written."

    fun repeated(calls: List<String>): String =
        "was given ${calls.size} times: ${calls.joinToString(" and ")}. A recipe has one; keep one of them."

    fun withoutOrder(names: List<String>): String =
        "${names.joinToString(" and ")} both decide which response a prompt is trained with, but stand in calls of their own, " +
            "which say nothing of their order. Write one call with the first one first, such as " +
            "select(${names.joinToString(", ") { "$it(...)" }})."

    fun noMargin(margin: Double): String =
        "pikaPairs(margin = $margin), but a margin must be at least 0 and finite. Correct it."

    fun notCodeTests(judge: String): String =
        "faultyVariants: $judge runs no tests. Give codeTests(...)."

    fun notExactMatch(metric: String): String =
        "exactAnswer: $metric compares no answers one by one. Give exactMatch(...), gsm8kStrict() or gsm8kFlexible()."

    fun notJson(thing: String, reason: String): String =
        "${thing.replaceFirstChar(Char::uppercase)} was expected, but the text is not JSON: $reason. Correct the text."

    fun refused(headline: String, problems: List<String>): String {
        val count = if (problems.size == 1) "one problem" else "${problems.size} problems"
        return problems.joinToString("\n", prefix = "$headline, $count:\n") { "  - $it" }
    }

    private fun suggestion(name: String, known: Collection<String>): String =
        "the choice is: ${known.joinToString(", ")}.${Nearest.proposal(name, known)} Correct or remove it."
}
