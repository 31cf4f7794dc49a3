package org.finetune4j.dsl

import org.finetune4j.methods.evaluate.Brier
import org.finetune4j.methods.evaluate.BrierBinary
import org.finetune4j.methods.evaluate.Calibration
import org.finetune4j.methods.evaluate.ChoiceF1
import org.finetune4j.methods.evaluate.ChoiceForm
import org.finetune4j.methods.evaluate.ClassF1
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.evaluate.MultipleChoice

/**
 * Multiple choice by likelihood: the share of questions whose right choice the model finds the most likely, 0 to 1.
 *
 * Source: lm-evaluation-harness 0.4 (`acc`, `acc_norm`, `acc_bytes` and `acc_mutual_info`).
 *
 * @param normalise what is done to log-likelihoods before they are compared
 * @param choices the field with the choices of a sample: a list of texts, or an object with such a list as `text` and names
 *   of them as `label`
 * @param labels the choices of samples without such a field
 * @param gold the field that says which is right: its place counted from 0, its letter or label, or its text; `answer` is the
 *   sample's reference
 * @param form what the model is asked for: the text of a choice, or the letter before it in a list that the prompt then ends
 *   with
 * @param delimiter what stands between the prompt and each choice; a chat template brings its own
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun multipleChoice(
    normalise: MultipleChoice.Normalise = MultipleChoice.Normalise.NONE,
    choices: String = "choices",
    labels: List<String> = emptyList(),
    gold: String = "answer",
    form: ChoiceForm = ChoiceForm.TEXTS,
    delimiter: String = "",
): Metric = MultipleChoice(normalise, choices, labels, gold, form, delimiter)

/** Multiple choice as lm-evaluation-harness asks MMLU: the prompt lists the choices and the model is asked for a letter. */
public fun mmlu(): Metric = MultipleChoice.mmlu()

/**
 * Brier score of the probabilities that the model gives to choices, 0 to 2; less is better.
 *
 * Source: Brier 1950, for several classes.
 *
 * @param choices the field with the choices of a sample: a list of texts, or an object with such a list as `text` and names
 *   of them as `label`
 * @param labels the choices of samples without such a field
 * @param gold the field that says which is right: its place counted from 0, its letter or label, or its text; `answer` is the
 *   sample's reference
 * @param form what the model is asked for: the text of a choice, or the letter before it in a list that the prompt then ends
 *   with
 * @param delimiter what stands between the prompt and each choice; a chat template brings its own
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun brier(
    choices: String = "choices",
    labels: List<String> = emptyList(),
    gold: String = "answer",
    form: ChoiceForm = ChoiceForm.TEXTS,
    delimiter: String = "",
): Metric = Brier(choices, labels, gold, form, delimiter)

/**
 * Brier score of the second of two choices, 0 to 1, half of what [brier] gives.
 *
 * Source: Brier 1950, one-sided.
 *
 * @param choices the field with the choices of a sample: a list of texts, or an object with such a list as `text` and names
 *   of them as `label`
 * @param labels the choices of samples without such a field
 * @param gold the field that says which is right: its place counted from 0, its letter or label, or its text; `answer` is the
 *   sample's reference
 * @param form what the model is asked for: the text of a choice, or the letter before it in a list that the prompt then ends
 *   with
 * @param delimiter what stands between the prompt and each choice; a chat template brings its own
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun brierBinary(
    choices: String = "choices",
    labels: List<String> = emptyList(),
    gold: String = "answer",
    form: ChoiceForm = ChoiceForm.TEXTS,
    delimiter: String = "",
): Metric = BrierBinary(choices, labels, gold, form, delimiter)

/**
 * Calibration of the probabilities that the model gives to choices: expected and largest calibration error, 0 to 1, and the
 * mean surprise of the right choice (`ece`, `mce`, `nll`); less is better. The bins stand in the run's `evaluation.json`.
 *
 * Source: On Calibration of Modern Neural Networks, arXiv 1706.04599.
 *
 * @param bins how many, at least 1
 * @param scheme how items are put into bins
 * @param choices the field with the choices of a sample: a list of texts, or an object with such a list as `text` and names
 *   of them as `label`
 * @param labels the choices of samples without such a field
 * @param gold the field that says which is right: its place counted from 0, its letter or label, or its text; `answer` is the
 *   sample's reference
 * @param form what the model is asked for: the text of a choice, or the letter before it in a list that the prompt then ends
 *   with
 * @param delimiter what stands between the prompt and each choice; a chat template brings its own
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun calibration(
    bins: Int = 10,
    scheme: Calibration.Scheme = Calibration.Scheme.EQUAL_WIDTH,
    choices: String = "choices",
    labels: List<String> = emptyList(),
    gold: String = "answer",
    form: ChoiceForm = ChoiceForm.TEXTS,
    delimiter: String = "",
): Metric = Calibration(bins, scheme, choices, labels, gold, form, delimiter)

/**
 * F1 of the choices that the model finds the most probable, 0 to 1; the same choices are one class in all questions.
 *
 * Source: common practice, as scikit-learn defines it.
 *
 * @param average how classes are averaged: each the same, each item the same (accuracy), or by their number of references
 * @param choices the field with the choices of a sample: a list of texts, or an object with such a list as `text` and names
 *   of them as `label`
 * @param labels the choices of samples without such a field
 * @param gold the field that says which is right: its place counted from 0, its letter or label, or its text; `answer` is the
 *   sample's reference
 * @param form what the model is asked for: the text of a choice, or the letter before it in a list that the prompt then ends
 *   with
 * @param delimiter what stands between the prompt and each choice; a chat template brings its own
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun choiceF1(
    average: ClassF1.Average = ClassF1.Average.MACRO,
    choices: String = "choices",
    labels: List<String> = emptyList(),
    gold: String = "answer",
    form: ChoiceForm = ChoiceForm.TEXTS,
    delimiter: String = "",
): Metric = ChoiceF1(average, choices, labels, gold, form, delimiter)
