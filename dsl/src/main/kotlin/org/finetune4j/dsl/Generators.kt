package org.finetune4j.dsl

import org.finetune4j.methods.data.GeneralPoints
import org.finetune4j.methods.data.Sokoban
import org.finetune4j.methods.data.puzzle.AnswerForm
import org.finetune4j.methods.data.puzzle.LabelSet

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
