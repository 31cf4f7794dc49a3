package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.methods.evaluate.ExactMatch
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.generate.TextSource
import org.finetune4j.methods.judge.CodeTests
import org.finetune4j.methods.judge.ExactAnswer
import org.finetune4j.methods.judge.Judge
import org.finetune4j.methods.judge.LlmJudge
import org.finetune4j.methods.judge.PuzzleAnswer
import org.finetune4j.methods.judge.StepJudge

/**
 * Accepts a reply whose answer equals the reference, both taken out and made alike as [metric] does; by default the last
 * number of the text is the answer.
 *
 * @param metric an [exactMatch], such as [gsm8kStrict]
 * @throws org.finetune4j.FinetuneException when it is another metric
 */
public fun exactAnswer(metric: Metric = gsm8kFlexible()): Judge =
    ExactAnswer(metric as? ExactMatch ?: throw FinetuneException(Messages.notExactMatch(metric.method().name())))

/**
 * Asks the model [source], greedily, whether a reply conveys the same answer as the reference; the first yes or no of what
 * it says is the verdict. Source: arXiv 2409.04787; the paper's own words are not known.
 *
 * @param maxNewTokens longest verdict, at least 1
 * @param unparsable what a verdict without yes and no is; it is never taken for a yes
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun llmJudge(
    source: TextSource = policy(),
    maxNewTokens: Int = 16,
    unparsable: LlmJudge.Unparsable = LlmJudge.Unparsable.REJECT,
): Judge = LlmJudge(source, maxNewTokens, unparsable)

/**
 * Accepts a reply whose program, its first fenced block or all of it, passes the sample's tests: both are written into one
 * [file], which [command] runs in a process and an empty folder of its own and must end with 0, and the line [proof] behind
 * the tests must be reached, so that a program which ends the process itself passes none. That holds back mistakes, not malice: for programs of models that nobody trusts, run all of it inside a container.
 *
 * @param command the command's words, of which `{file}` stands for the file
 * @param file the file's name
 * @param tests the field of a record that holds the tests
 * @param seconds after which the process is killed with all its children, positive
 * @param proof a line that prints `{text}` in the program's language, or empty to trust the end of the command alone; by default
 *   what the ending of [file] tells
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun codeTests(
    command: List<String> = listOf("python3", "{file}"),
    file: String = "answer.py",
    tests: String = "tests",
    seconds: Double = 3.0,
    proof: String = CodeTests.proofFor(file),
): Judge = CodeTests(command, file, tests, seconds, proof)

/**
 * Accepts a reply that is worked out well, step by step and without a reference: the model [source] gives every line of it a
 * number from 0 to 1. Source: arXiv 2510.10023, in the place of its process reward model.
 *
 * @param whole at or below which the last step's number or the mean rejects, in (0, 1)
 * @param step at or below which a step before the last rejects, in (0, 1)
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun stepJudge(source: TextSource = policy(), whole: Double = 0.85, step: Double = 0.70): Judge =
    StepJudge(source, whole, step)

/**
 * Accepts a reply that solves the puzzle of its prompt, as [sokoban] and [generalPoints] ask it: moves on some shortest
 * solution by the names that the prompt gives them, or a formula by the values that it gives the cards.
 */
public fun puzzleAnswer(): Judge = PuzzleAnswer()
