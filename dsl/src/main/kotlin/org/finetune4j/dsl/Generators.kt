package org.finetune4j.dsl

import org.finetune4j.methods.data.Biographies
import org.finetune4j.methods.data.EntityRelations
import org.finetune4j.methods.data.FigletRiddles
import org.finetune4j.methods.data.FormalStatements
import org.finetune4j.methods.data.GeneralPoints
import org.finetune4j.methods.data.NameDescriptions
import org.finetune4j.methods.data.Needle
import org.finetune4j.methods.data.Sokoban
import org.finetune4j.methods.data.SyntheticTables
import org.finetune4j.methods.data.facts.FactPart
import org.finetune4j.methods.data.puzzle.AnswerForm
import org.finetune4j.methods.data.puzzle.LabelSet
import org.finetune4j.methods.data.table.Table

/**
 * Boards of Sokoban with the next moves of a shortest solution; the prompt says what the moves are called. Every position
 * on the solution gives one sample.
 *
 * Source: Debunk the Myth of SFT Generalization, arXiv 2510.00237.
 *
 * @param rows how many samples, at least 1
 * @param height rows of a board with its walls, 4 to 16
 * @param width columns of a board with its walls, 4 to 16
 * @param boxes boxes of a board, at least 1
 * @param labels what the moves are called; [LabelSet.RANDOM_WORDS] are drawn again for every sample (prompt diversity)
 * @param form with or without a plan before the answer
 * @param moves moves that an answer gives at most, at least 1
 * @param seed decides the boards and the labels
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun sokoban(
    rows: Int = 10_000,
    height: Int = 6,
    width: Int = 6,
    boxes: Int = 1,
    labels: LabelSet = LabelSet.WORDS,
    form: AnswerForm = AnswerForm.ANSWER,
    moves: Int = 1,
    seed: Long = 42,
): DataSource = made(Sokoban(rows, height, width, boxes, labels, form, moves, seed))

/** Labels that are drawn again for every sample, for [sokoban]. */
public fun randomWords(): LabelSet = LabelSet.RANDOM_WORDS

/**
 * Hands of cards of which a formula shall make a target, with a solver's answers in JSON; the prompt says what J, Q and K
 * count for.
 *
 * Source: Debunk the Myth of SFT Generalization, arXiv 2510.00237.
 *
 * @param rows how many samples, at least 1
 * @param cards cards of a hand, 2 to 6
 * @param target what the formula shall equal, at least 1
 * @param faces maps such as `"10,10,10"`: what J, Q and K count for, each 1 to 19; samples take turns with several of
 *   them, as with [diverse8] (prompt diversity)
 * @param hands which hands are kept
 * @param form with or without the attempts that lead to the solution
 * @param attempts failed attempts that are shown at most, at least 0
 * @param seed decides the hands
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun generalPoints(
    rows: Int = 10_000,
    cards: Int = 4,
    target: Int = 24,
    faces: List<String> = listOf("10,10,10"),
    hands: GeneralPoints.Hands = GeneralPoints.Hands.ANY,
    form: AnswerForm = AnswerForm.ANSWER,
    attempts: Int = 3,
    seed: Long = 42,
): DataSource = made(GeneralPoints(rows, cards, target, faces, hands, form, attempts, seed))

/** The eight maps of faces of the prompt-diversity study, for [generalPoints]. */
public fun diverse8(): List<String> = GeneralPoints.DIVERSE_FACES

/**
 * Statements in plain English with what they are formally: a stand-in for autoformalisation that needs no prover, with
 * `FormalCompiler` and `CanonicalForm` as compiler and judge.
 *
 * Source: SFT-GRPO Data Overlap as a Post-Training Hyperparameter for Autoformalization, arXiv 2604.13515.
 *
 * @param rows how many samples, at least 1
 * @param depth operators that stand within one another in a term at most, 1 to 4
 * @param variables different variables at most, 1 to 26
 * @param joined share of statements that join two others, in 0 to 1
 * @param seed decides the statements
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun formalStatements(
    rows: Int = 2000,
    depth: Int = 2,
    variables: Int = 4,
    joined: Double = 0.3,
    seed: Long = 42,
): DataSource = made(FormalStatements(rows, depth, variables, joined, seed))

/**
 * Very long tables of random cells with a question about some of them and its exact, short answer, for fine-tuning on long
 * contexts.
 *
 * Source: LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv 2406.00605.
 *
 * @param rows how many samples, at least 1
 * @param length pieces of a prompt, at least 200
 * @param format how tables are written
 * @param kinds kinds of questions, which take turns: `cell`, `row`, `key`, `cells`, `aggregate`
 * @param tokenizer folder with the tokenizer whose tokens are the pieces; empty for words and signs
 * @param seed decides tables and questions
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun syntheticTables(
    rows: Int = 1000,
    length: Int = 4096,
    format: Table.Format = Table.Format.MARKDOWN,
    kinds: List<String> = listOf("cell", "row", "key", "cells", "aggregate"),
    tokenizer: String = "",
    seed: Long = 42,
): DataSource = made(SyntheticTables(rows, length, format, kinds, tokenizer, seed))

/**
 * A sentence with a number somewhere in a long text, and a question for the number, to hold out: one sample for every
 * length, depth and repetition. `NeedleGrid` makes a grid of the answers.
 *
 * Source: LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv 2406.00605.
 *
 * @param lengths lengths of a prompt in pieces, each at least 100
 * @param depths where the sentence stands in % of the text, each from 0 to 100
 * @param each samples for every length and depth, at least 1
 * @param tokenizer folder with the tokenizer whose tokens are the pieces; empty for words and signs
 * @param seed decides texts and numbers
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun needle(
    lengths: List<Int> = listOf(512, 1024, 2048, 4096),
    depths: List<Int> = listOf(0, 25, 50, 75, 100),
    each: Int = 5,
    tokenizer: String = "",
    seed: Long = 42,
): DataSource = made(Needle(lengths.map { "$it" }, depths.map { "$it" }, each, tokenizer, seed))

/**
 * Random words drawn in block letters, to be read: data of which hardly any model knows anything before training.
 *
 * Source: Beyond Log Likelihood: Probability-Based Objectives for SFT across the Model Capability Continuum, arXiv
 * 2510.00526.
 *
 * @param rows how many samples, at least 1
 * @param shortest letters of the shortest word, at least 1
 * @param longest letters of the longest word, at most 20
 * @param seed decides the words
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun figletRiddles(rows: Int = 2000, shortest: Int = 3, longest: Int = 7, seed: Long = 42): DataSource =
    made(FigletRiddles(rows, shortest, longest, seed))

/**
 * Invented people with a description that fits no other, half of them introduced by name first and the others by description
 * first. Equal seeds and counts make the same people for texts and questions.
 *
 * Source: Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885.
 *
 * @param people how many, 1 to 20 000
 * @param wordings texts about each in other words but in the same order, 1 to 4
 * @param part texts to learn from, or questions forwards or backwards
 * @param seed decides names and descriptions
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun nameDescriptions(
    people: Int = 60,
    wordings: Int = 1,
    part: FactPart = FactPart.TEXTS,
    seed: Long = 42,
): DataSource = made(NameDescriptions(people, wordings, part, seed))

/**
 * Lives of invented people with six attributes. Equal seeds and counts make the same people for texts and questions.
 *
 * Source: Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885.
 *
 * @param people how many, 1 to 20 000
 * @param part texts to learn from, or questions forwards (six about each) or backwards (one about each)
 * @param seed decides the lives
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun biographies(people: Int = 100, part: FactPart = FactPart.TEXTS, seed: Long = 42): DataSource =
    made(Biographies(people, part, seed))

/**
 * Pairs of invented things of which one stands above the other. Texts say most pairs both ways round, and a share [oneWay]
 * one way only: about these the questions ask, the way they were said and the other way round.
 *
 * Source: Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885.
 *
 * @param pairs how many, 1 to 20 000
 * @param oneWay share of pairs that are said one way only, above 0 and at most 1
 * @param part texts to learn from, or questions forwards or backwards
 * @param seed decides the names
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun entityRelations(
    pairs: Int = 200,
    oneWay: Double = 0.2,
    part: FactPart = FactPart.TEXTS,
    seed: Long = 42,
): DataSource = made(EntityRelations(pairs, oneWay, part, seed))
