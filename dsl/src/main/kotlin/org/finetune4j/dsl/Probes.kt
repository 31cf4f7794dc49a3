package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.methods.data.GeneralPoints
import org.finetune4j.methods.data.Sokoban
import org.finetune4j.methods.data.puzzle.CardFaces
import org.finetune4j.methods.data.puzzle.LabelSet
import org.finetune4j.methods.data.puzzle.Probes

/**
 * Games that show whether a model follows what a prompt says; `probe.run { prompt -> tuned.generate(prompt) }` plays them.
 */
public typealias Probe = org.finetune4j.methods.data.puzzle.Probe

/** The games of this [sokoban] or [generalPoints] data as they are, at most [games] of them. */
public fun DataSource.asInTraining(games: Int = 100): Probe = puzzle(
    { listOf(Probe.sokoban("as in training", it, games)) },
    { listOf(Probe.generalPoints("as in training", it, games)) },
).single()

/**
 * Games with other words (Sokoban: letters, digits, signs) or values (General Points: other faces) than in this training
 * data, [games] of each.
 *
 * @throws FinetuneException when this is not [sokoban] or [generalPoints], or they train on the same words or values
 */
public fun DataSource.instructionVariants(games: Int = 100): List<Probe> =
    puzzle({ Probes.instructionVariants(it, games) }, { Probes.instructionVariants(it, games) })

/** Harder games than in this training data: larger boards and more boxes, or more cards and larger numbers. */
public fun DataSource.difficultyVariants(games: Int = 100): List<Probe> =
    puzzle({ Probes.difficultyVariants(it, games) }, { Probes.difficultyVariants(it, games) })

/**
 * Games that announce other words or values, but in which the plain words, or the first faces of this training data,
 * count: whoever wins did not read the prompt.
 */
public fun DataSource.fakePrompts(games: Int = 100): List<Probe> = puzzle(
    { Probes.fakePrompts(it, if (it.labels() == LabelSet.RANDOM_WORDS) LabelSet.WORDS else it.labels(), games) },
    { Probes.fakePrompts(it, CardFaces.of(it.faces().first()), games) },
)

private fun DataSource.puzzle(boards: (Sokoban) -> List<Probe>, hands: (GeneralPoints) -> List<Probe>): List<Probe> =
    when (val by = (this as? MadeData)?.by) {
        is Sokoban -> boards(by)
        is GeneralPoints -> hands(by)
        else -> throw FinetuneException("$this is no puzzle, so that there are no probes of it. Take sokoban() or generalPoints().")
    }
