package org.finetune4j.dsl.run

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import org.finetune4j.FinetuneException
import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.UntrainedModel
import org.finetune4j.model.Precision
import org.finetune4j.tokenizer.Tokenizer
import java.nio.file.Files
import java.nio.file.Path

/** The folder of a model that has no weights yet: `config.json` made from its shape, and the files of its tokenizer. */
internal object NewModelFolder {
    private const val NORM_EPSILON = 1e-5
    private val json = Json { prettyPrint = true; prettyPrintIndent = "  " }

    /**
     * Writes the files as [folder], unless they are there already, and returns it.
     *
     * @throws FinetuneException when the tokenizer is missing or cannot be read, the folder cannot be written, or it holds
     *   other files of these names: they belong to a run that must stay whole
     */
    fun write(model: UntrainedModel, precision: Precision, folder: Path): Path {
        Tokenizer.load(Path.of(model.tokenizer)).use { tokenizer ->
            val configuration = json.encodeToString(JsonObject.serializer(), configuration(model, precision, tokenizer))
            val files = tokenizer.files().associate { "${it.fileName}" to Files.readAllBytes(it) } + ("config.json" to configuration.toByteArray())
            when {
                !Files.exists(folder) -> AtomicFiles.onDisk().writeFolder(folder) { unfinished ->
                    files.forEach { (name, content) -> Files.write(unfinished.path().resolve(name), content) }
                }
                files.any { (name, content) -> !holds(folder.resolve(name), content) } -> throw FinetuneException(Messages.otherNewModel(folder))
            }
        }
        return folder
    }

    private fun holds(file: Path, content: ByteArray) = Files.isRegularFile(file) && Files.readAllBytes(file).contentEquals(content)

    private fun configuration(model: UntrainedModel, precision: Precision, tokenizer: Tokenizer): JsonObject = buildJsonObject {
        val shape = model.shape
        putJsonArray("architectures") { add("LlamaForCausalLM") }
        put("model_type", "llama")
        put("vocab_size", tokenizer.vocabularySize())
        put("hidden_size", shape.hidden)
        put("intermediate_size", shape.feedForward)
        put("num_hidden_layers", shape.layers)
        put("num_attention_heads", shape.heads)
        put("num_key_value_heads", shape.keyValueHeads)
        put("max_position_embeddings", shape.contextLength)
        put("rope_theta", shape.ropeTheta)
        put("rms_norm_eps", NORM_EPSILON)
        put("hidden_act", "silu")
        put("attention_bias", false)
        put("mlp_bias", false)
        put("tie_word_embeddings", shape.tiedEmbeddings)
        // The type in which the trained weights are saved.
        put("torch_dtype", if (precision == Precision.BF16) "bfloat16" else "float32")
        tokenizer.beginTokenId().ifPresent { put("bos_token_id", it) }
        tokenizer.endTokenId().ifPresent { put("eos_token_id", it) }
        tokenizer.paddingTokenId().ifPresent { put("pad_token_id", it) }
    }
}
