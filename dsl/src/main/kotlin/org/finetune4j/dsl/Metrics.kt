package org.finetune4j.dsl

import org.finetune4j.methods.evaluate.ExactMatch
import org.finetune4j.methods.evaluate.Metric

/**
 * Exact match: the share of generated answers that equal the reference answer, 0 to 1.
 *
 * Source: the conventions of lm-evaluation-harness 0.4. Only the normalisations asked for are done.
 *
 * @param extract a regular expression that finds the answer in the text, by its first group that is not empty or its
 *   whole match; empty takes the whole text
 * @param occurrence which match of [extract] is the answer
 * @param regexesToIgnore regular expressions whose matches are deleted from both sides
 * @param ignoreCase whether case is ignored
 * @param ignorePunctuation whether ASCII punctuation is ignored
 * @param ignoreNumbers whether the digits 0 to 9 are ignored
 * @param trim whether white space at both ends is ignored
 * @param referenceSeparator the text between several right answers in one reference; empty takes it as one answer
 * @throws org.finetune4j.FinetuneException when a regular expression is not valid
 */
public fun exactMatch(
    extract: String = "",
    occurrence: ExactMatch.Occurrence = ExactMatch.Occurrence.FIRST,
    regexesToIgnore: List<String> = emptyList(),
    ignoreCase: Boolean = false,
    ignorePunctuation: Boolean = false,
    ignoreNumbers: Boolean = false,
    trim: Boolean = false,
    referenceSeparator: String = "",
): Metric = ExactMatch(
    extract,
    occurrence,
    regexesToIgnore,
    ignoreCase,
    ignorePunctuation,
    ignoreNumbers,
    trim,
    referenceSeparator,
)

/** Exact match of the number behind `####`, as lm-evaluation-harness scores GSM8K strictly. */
public fun gsm8kStrict(): Metric = ExactMatch.gsm8kStrict()

/** Exact match of the last number in the answer, as lm-evaluation-harness scores GSM8K flexibly. */
public fun gsm8kFlexible(): Metric = ExactMatch.gsm8kFlexible()
