package org.finetune4j.dsl

import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.adapt.Lora

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
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun lora(
    rank: Int = 8,
    alpha: Double = 16.0,
    dropout: Double = 0.0,
    targets: List<String> = Lora.ALL_LINEAR,
): Adapter = Lora(rank, alpha, dropout, targets)
