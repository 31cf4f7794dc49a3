package org.finetune4j.dsl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import org.finetune4j.data.FieldMapping
import java.nio.file.Path

/** Where samples come from. */
@Serializable
public sealed interface DataSource {
    /** The same source as the trainer takes it; nothing is read yet. */
    public fun open(): org.finetune4j.data.DataSource

    /** This source with its candidate responses under [field]. */
    public fun withCandidates(field: String): DataSource
}

/**
 * A file with one JSON object a line; [jsonl] makes one.
 *
 * @property file the file, relative to the working directory or absolute
 * @property prompt the field with the user's turn
 * @property response the field with the assistant's turn
 * @property system the optional field with a system turn
 * @property messages the field with a list of `{"role", "content"}`
 * @property responses the field with candidate responses, of which a selector chooses
 * @property answer the optional field with the reference answer that metrics compare with
 * @property text the field with a plain document, all of which is learned
 */
@Serializable
@SerialName("jsonl")
public data class JsonLinesFile(
    public val file: String,
    public val prompt: String = USUAL.prompt(),
    public val response: String = USUAL.response(),
    public val system: String = USUAL.system(),
    public val messages: String = USUAL.messages(),
    public val responses: String = USUAL.responses(),
    public val answer: String = USUAL.answer(),
    public val text: String = USUAL.text(),
) : DataSource {
    override fun open(): org.finetune4j.data.DataSource = org.finetune4j.data.DataSource.jsonLines(
        Path.of(file),
        FieldMapping(prompt, response, system, messages, responses, answer, text),
    )

    override fun withCandidates(field: String): DataSource = if (field == USUAL.responses()) this else copy(responses = field)

    override fun toString(): String = call(
        "jsonl",
        quoted(file),
        "prompt" to prompt.unless(USUAL.prompt()),
        "response" to response.unless(USUAL.response()),
        "system" to system.unless(USUAL.system()),
        "messages" to messages.unless(USUAL.messages()),
        "responses" to responses.unless(USUAL.responses()),
        "answer" to answer.unless(USUAL.answer()),
        "text" to text.unless(USUAL.text()),
    )
}

private val USUAL: FieldMapping = FieldMapping.standard()

/**
 * Samples in a file of JSON lines, UTF-8. Each line is of one shape: a prompt with a response, a prompt with candidate
 * responses (texts, or objects with `text` and `source`), a list of messages, or a plain text.
 *
 * The other parameters name the fields where they are not the usual ones.
 */
public fun jsonl(
    file: String,
    prompt: String = USUAL.prompt(),
    response: String = USUAL.response(),
    system: String = USUAL.system(),
    messages: String = USUAL.messages(),
    responses: String = USUAL.responses(),
    answer: String = USUAL.answer(),
    text: String = USUAL.text(),
): DataSource = JsonLinesFile(file, prompt, response, system, messages, responses, answer, text)

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
