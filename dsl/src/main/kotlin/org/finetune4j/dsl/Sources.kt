package org.finetune4j.dsl

import org.finetune4j.methods.generate.LocalModel
import org.finetune4j.methods.generate.Policy
import org.finetune4j.methods.generate.TextSource

/** Text by the model that is about to be trained, with the weights that training starts from. */
public fun policy(): TextSource = Policy()

/**
 * Text by another model in a [folder] on this machine, in the Hugging Face layout and with a chat template. It is loaded
 * with the precision and the kernels of the run.
 *
 * @throws org.finetune4j.FinetuneException when the name is blank
 */
public fun localModel(folder: String): TextSource = LocalModel(folder)
