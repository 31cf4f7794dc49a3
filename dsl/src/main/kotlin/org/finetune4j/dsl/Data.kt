package org.finetune4j.dsl

import kotlinx.serialization.Serializable
import org.finetune4j.tokenizer.Supervision

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
 * @property supervise whose words are learned
 * @property endOfTurn whether the token that ends a learned turn is learned too
 */
@Serializable
public data class Template(
    public val file: String? = null,
    public val supervise: Turns = Turns.ASSISTANT,
    public val endOfTurn: Boolean = true,
) {
    internal fun supervision(): Supervision = Supervision(supervise, endOfTurn)

    override fun toString(): String = call(
        "chatTemplate",
        file?.let(::quoted),
        "supervise" to "Turns.$supervise".takeIf { supervise != Turns.ASSISTANT },
        "endOfTurn" to "false".takeIf { !endOfTurn },
    )
}

/** Whose words of a conversation are learned. */
public typealias Turns = org.finetune4j.tokenizer.Turns

/**
 * The model's own chat template, or the Jinja template in [file] in its stead. Plain documents need none.
 *
 * @param supervise whose words are learned: of every turn of the assistant, of its last turn, or everybody's
 * @param endOfTurn whether the token that ends a learned turn is learned too; a model that is trained without it, and did
 *     not know it before, never stops
 */
public fun chatTemplate(
    file: String? = null,
    supervise: Turns = Turns.ASSISTANT,
    endOfTurn: Boolean = true,
): Template = Template(file, supervise, endOfTurn)

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
