package org.finetune4j.dsl

import org.finetune4j.data.TooLong
import org.finetune4j.data.format.AlpacaPrompt
import org.finetune4j.data.format.RecordFormat
import org.finetune4j.data.transform.Mix
import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.decode.Decoder
import org.finetune4j.methods.decode.Demonstrations
import org.finetune4j.methods.decode.SelfEnsemble
import org.finetune4j.methods.evaluate.AnswerMetric
import org.finetune4j.methods.evaluate.ExactMatch
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.generate.TextSource
import org.finetune4j.methods.judge.Judge
import org.finetune4j.methods.objective.KlDirection
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.objective.Reduction
import org.finetune4j.methods.select.Selector
import org.finetune4j.methods.select.Selecting
import org.finetune4j.model.FrozenWeights
import org.finetune4j.train.MemoryUse
import org.finetune4j.train.Schedule
import kotlin.random.Random

/** Recipes whose every setting is drawn from a seed, valid or not for a plan. */
class RandomRecipes(seed: Long) {
    private val random = Random(seed)

    fun next(): Recipe = Recipe(
        base = if (flip()) ModelFolder(text()) else UntrainedModel(shape(), text()),
        data = TrainingData(source(), Template(maybe { text() }, choice(), flip())),
        heldOut = maybe { source() },
        selectors = List(random.nextInt(3)) { selecting() },
        objective = objective(),
        adapter = maybe { adapter() },
        training = training(),
        evaluation = maybe { Evaluation(List(random.nextInt(3)) { metric() }, whole()) },
        decoder = maybe { decoder() },
        output = maybe { text() },
        continueFrom = maybe { text() },
    )

    private fun shape() = NewModel(whole(), whole(), whole(), whole(), whole(), whole(), flip(), number())

    private fun source(depth: Int = 0): DataSource = when (if (depth > 2) random.nextInt(8) else random.nextInt(17)) {
        0 -> jsonl(text(), fields())
        1 -> json(text(), fields())
        2 -> csv(text(), fields())
        3 -> tsv(text(), fields())
        4 -> parquet(text(), fields())
        5 -> folder(text(), fields())
        6 -> sql(text(), fields())
        7 -> generated()
        8 -> jsonl(text()).filter(text()).filter(text())
        9 -> mix(*Array(whole() % 3 + 1) { source(depth + 1) at number() }, seed = random.nextLong(), end = choice<Mix.End>())
        10 -> source(depth + 1).split(share(), random.nextLong()).let { if (flip()) it.train else it.heldOut }
        11 -> source(depth + 1).deduplicate(maybe { share() })
        12 -> source(depth + 1).shuffle(random.nextLong(), whole())
        13 -> source(depth + 1).skip(random.nextLong(1000)).let { if (flip()) it.take(whole().toLong()) else it }
        14 -> source(depth + 1).take(whole().toLong())
        15 -> source(depth + 1).tagged(text())
        else -> source(depth + 1).chosenOnly()
    }

    private fun generated(): DataSource = when (random.nextInt(8)) {
        0 -> sokoban(whole(), 6, 7, 2, choice(), choice(), whole(), random.nextLong())
        1 -> generalPoints(whole(), 4, whole(), diverse8(), choice(), choice(), whole(), random.nextLong())
        2 -> jsonl(text()).overlapSplit(200, whole(), share(), random.nextLong()).let { if (flip()) it.sft else it.rl }
        3 -> jsonl(text()).budgetSplit(json(text()), number() + 1, share(), 0.5, 1.5, flip(), random.nextLong()).let { if (flip()) it.sft else it.pairs }
        4 -> needle(listOf(100 + whole()), listOf(whole()), whole(), text(), random.nextLong())
        5 -> csv(text()).answerTemplate(choice(), choice(), flip()).perGroupSubset("x" + text(), whole(), random.nextLong())
        6 -> jsonl(text()).toolTrajectories(flip(), listOf("x" + text())).dropSteps(0.5, flip(), random.nextLong())
        else -> jsonl(text()).diversify(listOf("x" + text(), "y" + text()), whole(), random.nextLong())
    }

    private fun fields() = if (flip()) Fields() else Fields(
        maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() },
        maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() }, maybe { text() },
        maybe { text() }, maybe { text() }, maybe { text() }, maybe { constant(text()) }, maybe { choice<RecordFormat>() }, choice<AlpacaPrompt>(),
    )

    private fun selector(): Selector = when (random.nextInt(9)) {
        0 -> grape(text(), whole(), flip(), whole(), choice(), choice(), random.nextInt(1000).toLong())
        1 -> s3ft(judge(), maybe { text() + "{response}{prompt}" }, whole(), number() + 1e-9, 1 - share(), whole(), generator(), true, random.nextLong())
        2 -> rifRft(judge(), whole() + 1, choice(), share(), number() + 1e-9, 1 - share(), whole(), random.nextLong())
        5 -> cft(generator(), text(), choice(), flip(), number(), 1 - share(), whole(), random.nextLong())
        6 -> aft(generator(), text(), text(), choice(), whole(), whole(), choice(), flip(), share(), flip(), number() + 1e-9, 1 - share(), whole(), flip(), random.nextLong())
        7 -> faultyVariants(choice(), generator(), codeTests(), choice(), whole(), share(), whole(), random.nextLong())
        4 -> pika(generator(), generator(), llmRating(generator()), whole(), whole(), number() + 1e-9, whole(), choice(), flip(), flip(), random.nextLong())
        3 -> stat(text(), choice(), judge(), generator(), text(), whole(), whole(), whole(), whole(), 100, whole(), whole(), whole(), whole(), random.nextLong())
        else -> ssr(judge(), text(), choice(), number(), 1 - share(), whole(), random.nextLong())
    }

    private fun judge(): Judge = when (random.nextInt(4)) {
        0 -> exactAnswer(exact())
        1 -> llmJudge(generator(), whole(), choice())
        2 -> stepJudge(generator(), share().coerceAtLeast(1e-3), share().coerceAtLeast(1e-3))
        else -> codeTests(listOf(text(), "{file}"), "a.py", text(), number() + 1e-9)
    }

    private fun generator(): TextSource = when (random.nextInt(3)) {
        0 -> policy()
        1 -> localModel(text())
        else -> openAi(text(), "http://localhost:${whole()}/v1", "KEY_${whole()}", whole(), number(), whole(), number() + 1e-9, number(), number())
    }

    private fun selecting(): Selecting = when (random.nextInt(5)) {
        0 -> selector()
        1 -> demask(0.0, share(), choice(), choice(), text(), "?" + text(), ":" + text(), share(), flip())
        3 -> eachEpoch(if (flip()) grape(text(), whole()) else ssr(maxNewTokens = whole()))
        2 -> uds(1, whole() + 1, number(), whole(), whole(), whole(), whole(), choice(), choice())
        else -> qTuning(1 - share(), 1 - share(), share(), whole(), choice(), choice(), choice())
    }

    private fun objective(): Objective = when (random.nextInt(6)) {
        0 -> sft(share(), number(), choice<Reduction>())
        1 -> dftDynamic()
        3 -> sorted(List(random.nextInt(3)) { 1 + it * whole() }.distinct().sorted(), objective(), choice())
        2 -> undesirable(objective(), choice(), number(), number(), number(), whole(), -1, choice(), choice())
        4 -> if (flip()) taught(objective(), text() + "t", number() + 1e-9) else taught(objective(), "", 1.0, whole(), share() + 1e-9, share(), text())
        else -> asft(number(), choice<KlDirection>(), share())
    }

    private fun adapter(): Adapter = when (random.nextInt(3)) {
        0 -> lora(whole(), number() + 0.5, share(), List(whole()) { "x" + text() }, flip(), listOf("q=${whole()}"))
        1 -> dora(whole(), number() + 0.5, share(), List(whole()) { "x" + text() }, flip(), alphas = listOf("q=${number() + 0.5}"))
        else -> savedAdapter("x" + text())
    }

    private fun metric(depth: Int = 0): Metric = when (random.nextInt(if (depth > 1) 16 else 18)) {
        0 -> answerMetric()
        1 -> rouge(List(whole() % 3 + 1) { "rouge${random.nextInt(1, 10)}" }, flip(), text())
        2 -> passAtK(1 + random.nextInt(3), 3 + random.nextInt(3), if (flip()) exactAnswer(exact()) else codeTests(), number() + 0.5, share() + 1e-9, random.nextLong())
        3 -> perplexity(choice(), 50, whole() % 50 + 1)
        4 -> multipleChoice(choice(), text(), listOf("a", "b"), text(), choice(), text())
        5 -> brier(text(), emptyList(), text(), choice(), text())
        6 -> brierBinary(text(), emptyList(), text(), choice(), text())
        7 -> calibration(whole(), choice(), text(), emptyList(), text(), choice(), text())
        8 -> semanticSimilarity(text())
        9 -> distinctN(whole(), choice(), whole(), number() + 0.5, share() + 1e-9, random.nextLong())
        10 -> ead(whole(), whole() + 1L, whole(), number() + 0.5, share() + 1e-9, random.nextLong())
        11 -> selfBleu(whole(), choice(), whole() + 1, whole(), number() + 0.5, share() + 1e-9, random.nextLong())
        12 -> bertScore(text(), share() * 0.9)
        16 -> forgetting(source(), metric(depth + 1))
        17 -> perExit(listOf(1, 1 + whole()), metric(depth + 1))
        else -> answerMetric()
    }

    private fun decoder(): Decoder = when (random.nextInt(3)) {
        0 -> batchCalibration()
        1 -> selfEnsemble(SelfEnsemble.Vary.PROMPT, templates = listOf("{prompt}" + text()), retrieve = choice())
        else -> selfEnsemble(
            if (flip()) SelfEnsemble.Vary.IC else SelfEnsemble.Vary.BOTH,
            whole(),
            choice(),
            listOf("{prompt}" + text()),
            source(),
            whole(),
            // The members of these differ by their demonstrations.
            if (flip()) Demonstrations.Retrieve.RANDOM else Demonstrations.Retrieve.BALANCE,
            random.nextLong(),
        )
    }

    private fun exact(): AnswerMetric = exactMatch(
        Regex.escape(text()),
        choice<ExactMatch.Occurrence>(),
        List(random.nextInt(3)) { Regex.escape(text()) },
        flip(),
        flip(),
        flip(),
        flip(),
        text(),
    )

    private fun answerMetric(): AnswerMetric = when (random.nextInt(4)) {
        0 -> exact()
        1 -> tokenF1(text())
        2 -> classF1(choice(), listOf("a", "b"))
        else -> bleu(choice(), choice(), whole(), flip(), text())
    }

    private fun training() = Training(
        maybe { whole() },
        maybe { random.nextLong() },
        whole(),
        whole(),
        AdamW(maybe { number() }, number(), number(), number(), number()),
        WarmSchedule(choice<Schedule>(), number(), whole()),
        maybe { number() },
        if (flip()) f32 else bf16,
        choice<FrozenWeights>(),
        random.nextLong(),
        whole(),
        choice<TooLong>(),
        random.nextLong(),
        random.nextLong(),
        whole(),
        Memory(choice<MemoryUse>(), whole()),
    )

    private inline fun <reified E : Enum<E>> choice(): E = enumValues<E>().random(random)

    private fun flip() = random.nextBoolean()

    private fun whole() = random.nextInt(1, 100)

    private fun share() = random.nextDouble()

    private fun number() = random.nextDouble() * listOf(1e-12, 1.0, 1e9).random(random)

    private fun text() = List(random.nextInt(1, 9)) { "ab \"\\/\n\t{}[]:,$#é漢😀\u0001".codePoints().toArray().random(random) }
        .joinToString("") { String(Character.toChars(it)) }.ifBlank { "text" }

    private fun <T> maybe(value: () -> T): T? = if (flip()) value() else null
}
