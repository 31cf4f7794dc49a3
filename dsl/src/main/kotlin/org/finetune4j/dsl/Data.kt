package org.finetune4j.dsl

import kotlinx.serialization.Serializable

/** Where samples come from. */
@Serializable
public sealed interface DataSource {
    /** The same source as the trainer takes it; nothing is read yet. */
    public fun open(): org.finetune4j.data.DataSource

    /** This source with its candidate responses under [field]. */
    public fun withCandidates(field: String): DataSource
}

/**
 * How a conversation becomes one text; [chatTemplate] makes one.
 *
 * @property file a Jinja template, or null for the one in the model's `tokenizer_config.json`
 */
@Serializable
public data class Template(public val file: String? = null) {
    override fun toString(): String = call("chatTemplate", file?.let(::quoted))
}

/** The model's own chat template, or the Jinja template in [file] in its stead. Plain documents need none. */
public fun chatTemplate(file: String? = null): Template = Template(file)

/**
 * What is trained on.
 *
 * @property source the samples
 * @property template how a conversation becomes one text
 */
@Serializable
public data class TrainingData(public val source: DataSource, public val template: Template = chatTemplate()) {
    override fun toString(): String = "data($source, $template)"
}
