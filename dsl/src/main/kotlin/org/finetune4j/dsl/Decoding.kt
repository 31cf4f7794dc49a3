package org.finetune4j.dsl

import org.finetune4j.methods.decode.BatchCalibration
import org.finetune4j.methods.decode.Decoder
import org.finetune4j.methods.decode.Demonstrations
import org.finetune4j.methods.decode.EnsembleRule
import org.finetune4j.methods.decode.SelfEnsemble

/**
 * Self-ensemble: the model answers every question several times, each time behind other demonstrations or in other words, and
 * the probabilities of the choices are combined, which makes them better calibrated.
 *
 * Source: On Task Performance and Model Calibration with Supervised and Self-Ensembled In-Context Learning, arXiv 2312.13772.
 *
 * @param vary what differs between members: demonstrations, the template, or both
 * @param members how many times, at least 1; 0 for 20, or for one per template where only templates vary
 * @param rule how members are combined
 * @param templates how a question is put, each with `{prompt}` in the question's place
 * @param pool solved samples of which demonstrations are drawn; needed unless only templates vary
 * @param demonstrations samples shown before a question, at least 1 and fewer than the pool has
 * @param retrieve which of the pool are shown
 * @param seed of the first member
 * @throws org.finetune4j.FinetuneException when a setting is out of range, or there are more members than templates to vary
 */
public fun selfEnsemble(
    vary: SelfEnsemble.Vary = SelfEnsemble.Vary.IC,
    members: Int = 0,
    rule: EnsembleRule = EnsembleRule.MAX_PROB,
    templates: List<String> = listOf("{prompt}"),
    pool: DataSource? = null,
    demonstrations: Int = 3,
    retrieve: Demonstrations.Retrieve = Demonstrations.Retrieve.RANDOM,
    seed: Long = 0,
): Decoder = SelfEnsemble(
    vary,
    members,
    rule,
    templates,
    pool?.let(::SettingSource) ?: SelfEnsemble.NO_POOL,
    demonstrations,
    retrieve,
    seed,
)

/**
 * Batch calibration: the logits of every choice lose their mean over all questions and are divided by their standard
 * deviation, so that no choice is favoured; all questions must have equally many.
 *
 * Source: Batch Calibration, arXiv 2309.17249, as the code of self-ensembling has it.
 */
public fun batchCalibration(): Decoder = BatchCalibration()
