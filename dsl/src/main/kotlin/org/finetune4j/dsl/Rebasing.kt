package org.finetune4j.dsl

import org.finetune4j.train.RebasedModel
import java.nio.file.Path

/**
 * The model in a [folder] with its rotary positions rebased for texts [factor] times as long (NTK-aware scaling), as a
 * folder of its own [into]; returns that for `base(...)`. Weights and tokenizer stay the same, and a folder that is there
 * already with the same configuration stays as it is.
 *
 * Source: LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv 2406.00605.
 *
 * @param factor how many times as long texts become, at least 1
 * @throws org.finetune4j.FinetuneException when the model cannot be rebased, or [into] holds something else
 */
public fun rebased(folder: String, factor: Double, into: String): String {
    RebasedModel.write(Path.of(folder), factor, Path.of(into))
    return into
}
