package org.finetune4j.dsl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import org.finetune4j.dsl.json.AdapterSerializer
import org.finetune4j.dsl.json.DecoderSerializer
import org.finetune4j.dsl.json.MetricSerializer
import org.finetune4j.dsl.json.ObjectiveSerializer
import org.finetune4j.dsl.json.RecipeJson
import org.finetune4j.dsl.json.SelectorSerializer
import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.decode.Decoder
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.select.Selecting

/**
 * All that decides a training run; two equal recipes train alike. [recipe] builds one, and it never changes.
 *
 * @property base what training starts from
 * @property data what is trained on
 * @property heldOut samples that are never trained on, for [evaluation]
 * @property selectors what chooses among the data, one after another, before training, in every pass or in every step; none to train on all of it
 * @property objective what is minimised
 * @property adapter the parameterisation that trains, or null to train every weight
 * @property training steps, optimiser, precision and seed
 * @property evaluation what is measured before and after training
 * @property decoder how the probabilities of choices are made that are measured, or null for one pass over each
 * @property output the run's folder, or null for a folder named after the recipe
 * @property continueFrom the folder of another run whose latest checkpoint's weights this one begins with, or null
 */
@Serializable
public data class Recipe(
    public val base: Base,
    public val data: TrainingData,
    public val heldOut: DataSource? = null,
    @SerialName("select")
    public val selectors: List<@Serializable(with = SelectorSerializer::class) Selecting> = emptyList(),
    @Serializable(with = ObjectiveSerializer::class)
    public val objective: Objective = sft(),
    @SerialName("adapt")
    @Serializable(with = AdapterSerializer::class)
    public val adapter: Adapter? = null,
    @SerialName("train")
    public val training: Training = Training(),
    @SerialName("evaluate")
    public val evaluation: Evaluation? = null,
    @SerialName("decode")
    @Serializable(with = DecoderSerializer::class)
    public val decoder: Decoder? = null,
    public val output: String? = null,
    public val continueFrom: String? = null,
) {
    /**
     * This recipe as JSON, every setting written out; [fromJson] makes an equal recipe of it.
     *
     * @throws org.finetune4j.FinetuneException when a fragment was defined in a script
     */
    public fun toJson(): String = RecipeJson.write(this)

    /** This recipe as Kotlin, as it would stand in a script. */
    override fun toString(): String = listOfNotNull(
        base,
        data,
        heldOut?.let { "heldOut($it)" },
        selectors.takeIf { it.isNotEmpty() }?.joinToString(", ", prefix = "select(", postfix = ")") { call(it) },
        if (objective is ScriptObjective) objective else "objective(${call(objective)})",
        adapter?.let { "adapt(${call(it)})" },
        training,
        evaluation,
        decoder?.let { "decode(${call(it)})" },
        output?.let { "output(${quoted(it)})" },
        continueFrom?.let { "continueFrom(${quoted(it)})" },
    ).joinToString("\n", prefix = "recipe {\n", postfix = "\n}") { it.toString().prependIndent("    ") }

    public companion object {
        /**
         * The recipe that [text] holds.
         *
         * @throws org.finetune4j.FinetuneException when the text is not JSON or does not describe a recipe; the message
         *   lists everything that is wrong, with its path and the name that a misspelt one resembles
         */
        public fun fromJson(text: String): Recipe = RecipeJson.read(text)
    }
}

/**
 * What is measured on the held-out samples before and after training.
 *
 * @property metrics what is measured
 * @property maxNewTokens the longest answer generated, in tokens
 */
@Serializable
public data class Evaluation(
    public val metrics: List<@Serializable(with = MetricSerializer::class) Metric>,
    public val maxNewTokens: Int = 128,
) {
    override fun toString(): String =
        call("evaluate", metrics.joinToString(", ") { if (it is ScriptMetric) "$it" else call(it) }, "maxNewTokens" to "$maxNewTokens")
}
