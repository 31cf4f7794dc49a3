package org.finetune4j.dsl.run

import java.nio.file.Files
import java.nio.file.Path
import org.finetune4j.FinetuneException
import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.UntrainedModel
import org.finetune4j.model.ModelConfig
import org.finetune4j.model.Precision
import org.finetune4j.tokenizer.Tokenizer
import org.nd4j.linalg.api.buffer.DataType

/** The folder of a model that has no weights yet: `config.json` made from its shape, and the files of its tokenizer. */
internal object NewModelFolder {
    private const val NORM_EPSILON = 1e-5
    private const val INITIALIZER_RANGE = 0.02

    /**
     * Writes the files as [folder], unless they are there already, and returns it.
     *
     * @throws FinetuneException when the tokenizer is missing or cannot be read, the folder cannot be written, or it holds
     *   other files of these names: they belong to a run that must stay whole
     */
    fun write(model: UntrainedModel, precision: Precision, folder: Path): Path {
        Tokenizer.load(Path.of(model.tokenizer)).use { tokenizer ->
            val configuration = configuration(model, precision, tokenizer).toJson()
            val files = tokenizer.files().associate { "${it.fileName}" to Files.readAllBytes(it) } + (ModelConfig.FILE_NAME to configuration.toByteArray())
            AtomicFiles.onDisk().recover(folder)
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

    private fun configuration(model: UntrainedModel, precision: Precision, tokenizer: Tokenizer): ModelConfig {
        val shape = model.shape
        // The type in which the trained weights are saved.
        val storage = if (precision == Precision.BF16) DataType.BFLOAT16 else DataType.FLOAT
        val begin = tokenizer.beginTokenId().let { if (it.isPresent) it.asInt else null }
        val end = tokenizer.endTokenId().let { if (it.isPresent) listOf(it.asInt) else emptyList() }
        try {
            return ModelConfig.llama(
                tokenizer.vocabularySize(), shape.hidden, shape.feedForward, shape.layers, shape.heads, shape.keyValueHeads,
                shape.hidden / maxOf(shape.heads, 1), NORM_EPSILON, shape.ropeTheta, shape.contextLength, shape.tiedEmbeddings,
                begin, end, storage, INITIALIZER_RANGE,
            )
        } catch (problem: IllegalArgumentException) {
            throw FinetuneException(Messages.impossibleShape(problem.message.orEmpty()), problem)
        }
    }
}
