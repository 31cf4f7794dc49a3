package org.finetune4j.dsl

import kotlinx.serialization.Serializable
import org.finetune4j.data.format.AlpacaPrompt
import org.finetune4j.data.format.FieldMapping
import org.finetune4j.data.format.Part
import org.finetune4j.data.format.RecordFormat

/**
 * Where records keep their parts; [fields] makes one. What is null bears its usual name.
 *
 * @property prompt what is asked: a text, or a list of turns
 * @property response the assistant's answer
 * @property completion the same under its other name
 * @property system a system turn before everything else
 * @property messages turns as OpenAI writes them
 * @property conversations turns as ShareGPT writes them
 * @property instruction Alpaca's task
 * @property input Alpaca's further context
 * @property output Alpaca's response
 * @property history Alpaca's earlier turns
 * @property text a plain document, all of which is learned
 * @property responses candidate responses, of which a selector chooses
 * @property chosen the better of two responses
 * @property rejected the other of two responses
 * @property label whether a completion is good
 * @property margin by how much the chosen response is better
 * @property answer the reference answer that metrics compare with
 * @property tools the tools that the assistant may call
 * @property format what kind the records are, or null to tell it by the fields of each
 * @property alpaca how Alpaca's instruction becomes the user's turn
 */
@Serializable
public data class Fields(
    public val prompt: String? = null,
    public val response: String? = null,
    public val completion: String? = null,
    public val system: String? = null,
    public val messages: String? = null,
    public val conversations: String? = null,
    public val instruction: String? = null,
    public val input: String? = null,
    public val output: String? = null,
    public val history: String? = null,
    public val text: String? = null,
    public val responses: String? = null,
    public val chosen: String? = null,
    public val rejected: String? = null,
    public val label: String? = null,
    public val margin: String? = null,
    public val answer: String? = null,
    public val tools: String? = null,
    public val format: RecordFormat? = null,
    public val alpaca: AlpacaPrompt = AlpacaPrompt.PUBLISHED,
) {
    /** The same mapping as the trainer takes it. */
    internal fun mapping() = FieldMapping(named(), format, alpaca)

    private fun named(): Map<Part, String> = mapOf(
        Part.PROMPT to prompt, Part.RESPONSE to response, Part.COMPLETION to completion, Part.SYSTEM to system,
        Part.MESSAGES to messages, Part.CONVERSATIONS to conversations, Part.INSTRUCTION to instruction, Part.INPUT to input,
        Part.OUTPUT to output, Part.HISTORY to history, Part.TEXT to text, Part.RESPONSES to responses, Part.CHOSEN to chosen,
        Part.REJECTED to rejected, Part.LABEL to label, Part.MARGIN to margin, Part.ANSWER to answer, Part.TOOLS to tools,
    ).mapNotNull { (part, field) -> field?.let { part to it } }.toMap()

    /** This mapping as an argument, or null when it is the usual one and need not be written. */
    internal fun literal(): String? = takeIf { it != Fields() }?.toString()

    override fun toString(): String = call(
        "fields",
        null,
        *named().map { (part, field) -> part.usual() to quoted(field) }.toTypedArray(),
        "format" to format?.let { "RecordFormat.$it" },
        "alpaca" to alpaca.takeIf { it != AlpacaPrompt.PUBLISHED }?.let { "AlpacaPrompt.$it" },
    )
}

/**
 * Says where records keep their parts, where that is not under the usual names.
 *
 * A part is a field (`prompt = "question"`), a field inside another one (`"meta.source"`, `"turns.0.text"`), or a text
 * with fields in it (`"{title}\n{body}"`; `{{` and `}}` stand for braces); [constant] makes a text that is the same for
 * every record. [format] says what kind of records they are where their fields tell of more than one. A field that is
 * named here and is in no record is refused.
 *
 * @param prompt what is asked: a text, or a list of turns
 * @param response the assistant's answer
 * @param completion the same under its other name
 * @param system a system turn before everything else
 * @param messages turns as OpenAI writes them
 * @param conversations turns as ShareGPT writes them
 * @param instruction Alpaca's task
 * @param input Alpaca's further context
 * @param output Alpaca's response
 * @param history Alpaca's earlier turns
 * @param text a plain document, all of which is learned
 * @param responses candidate responses, of which a selector chooses
 * @param chosen the better of two responses
 * @param rejected the other of two responses
 * @param label whether a completion is good
 * @param margin by how much the chosen response is better
 * @param answer the reference answer that metrics compare with
 * @param tools the tools that the assistant may call
 * @param format what kind the records are, or null to tell it by the fields of each
 * @param alpaca how Alpaca's instruction becomes the user's turn: in its published words, or plainly
 */
public fun fields(
    prompt: String? = null,
    response: String? = null,
    completion: String? = null,
    system: String? = null,
    messages: String? = null,
    conversations: String? = null,
    instruction: String? = null,
    input: String? = null,
    output: String? = null,
    history: String? = null,
    text: String? = null,
    responses: String? = null,
    chosen: String? = null,
    rejected: String? = null,
    label: String? = null,
    margin: String? = null,
    answer: String? = null,
    tools: String? = null,
    format: RecordFormat? = null,
    alpaca: AlpacaPrompt = AlpacaPrompt.PUBLISHED,
): Fields = Fields(
    prompt, response, completion, system, messages, conversations, instruction, input, output, history, text, responses, chosen,
    rejected, label, margin, answer, tools, format, alpaca,
)

/** A [text] that is the same for every record, such as `fields(system = constant("You are brief."))`. */
public fun constant(text: String): String = FieldMapping.constant(text)
