package org.finetune4j.dsl

import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.adapt.Dora
import org.finetune4j.methods.adapt.Lora
import org.finetune4j.methods.adapt.SavedAdapter

/**
 * LoRA: a trainable product of two thin matrices, `[outputs, rank]` and `[rank, inputs]`, beside every targeted linear
 * layer, whose own weights stay as they are.
 *
 * Source: LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685.
 *
 * @param rank width of the product, at least 1 and at most the smaller side of every targeted layer
 * @param alpha numerator of the factor `alpha / rank` on the product, finite and above 0
 * @param dropout rate at which elements of the product's input are dropped while training, in [0, 1)
 * @param targets which layers: whole segments of module paths, such as `q_proj` or `layers.2`, or `all-linear`: every linear
 *   layer but the head, whatever the family calls it
 * @param rsLora whether the factor is `alpha / sqrt(rank)`, which does not vanish at high ranks (rsLoRA, arXiv 2312.03732)
 * @param ranks ranks of their own for some targets, such as `down_proj=4`; the first that names a layer rules
 * @param alphas alphas of their own for some targets, such as `down_proj=32`
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun lora(
    rank: Int = 8,
    alpha: Double = 16.0,
    dropout: Double = 0.0,
    targets: List<String> = Lora.ALL_LINEAR,
    rsLora: Boolean = false,
    ranks: List<String> = emptyList(),
    alphas: List<String> = emptyList(),
): Adapter = Lora(rank, alpha, dropout, targets, rsLora, ranks, alphas)

/**
 * DoRA: LoRA for the direction of every row of a weight, and a trained magnitude for its length.
 *
 * Source: DoRA: Weight-Decomposed Low-Rank Adaptation, arXiv 2402.09353. The parameters are those of [lora].
 *
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun dora(
    rank: Int = 8,
    alpha: Double = 16.0,
    dropout: Double = 0.0,
    targets: List<String> = Lora.ALL_LINEAR,
    rsLora: Boolean = false,
    ranks: List<String> = emptyList(),
    alphas: List<String> = emptyList(),
): Adapter = Dora(rank, alpha, dropout, targets, rsLora, ranks, alphas)

/**
 * Goes on training an adapter that was saved by [TunedModel.saveAdapter] or by Hugging Face's PEFT.
 *
 * Read are LoRA, rsLoRA and DoRA; what else PEFT has is refused by its name.
 *
 * @param folder holds `adapter_config.json` and `adapter_model.safetensors`
 * @throws org.finetune4j.FinetuneException when the name is blank; what is wrong with the files, the recipe's plan says
 */
public fun savedAdapter(folder: String = "adapter"): Adapter = SavedAdapter(folder)
