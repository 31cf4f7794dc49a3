package org.finetune4j.dsl.study

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.string.shouldStartWith
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.asft
import org.finetune4j.dsl.filter
import org.finetune4j.dsl.json.RecipeJson
import org.finetune4j.dsl.jsonl
import org.finetune4j.dsl.sft
import org.finetune4j.dsl.taught
import org.finetune4j.methods.objective.Asft
import org.finetune4j.train.FineTuning
import org.finetune4j.train.InterruptedRunException
import org.finetune4j.train.RunLock
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.createTempDirectory
import kotlin.io.path.exists
import kotlin.io.path.readLines
import kotlin.io.path.readText
import kotlin.io.path.writeText

class StudyRunnerTest : FunSpec({
    val here: Path = createTempDirectory("study")
    afterSpec { here.toFile().deleteRecursively() }
    Files.createDirectories(here.resolve("base")).resolve("config.json").writeText("{}")
    here.resolve("train.jsonl").writeText("{}")
    var number = 0

    fun recorder() = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 200, outputInteractive = false)

    /** A study of plain and anchored fine-tuning with a folder of its own. */
    fun studied(folder: Path = here.resolve("study-${number++}"), content: StudyScope.() -> Unit = {}) = study("kl", "$folder") {
        seeds = listOf(1, 2)
        common {
            base("${here.resolve("base")}")
            data(jsonl("${here.resolve("train.jsonl")}"))
        }
        baseline("sft") { objective(sft()) }
        sweep("kl", 0.1, 0.5) { objective(asft(kl = it)) }
        content()
    }

    fun kl(job: FineTuning) = (job.objective() as? Asft)?.kl() ?: 0.0

    /** Seeds differ by 0.1; a divergence lowers the loss by half of its factor, with seed 2 by a tenth more. */
    fun loss(job: FineTuning): Double = 1.0 + 0.1 * job.train().seed() - kl(job) * (0.4 + 0.1 * job.train().seed())

    fun StudyRunner.done(study: Study, rerunChanged: Boolean = false) = run(study, rerunChanged)

    test("every arm runs with every seed, and means, deviations and paired differences are those of the runs") {
        val trainer = FakeTrainer(loss = ::loss)
        val recorder = recorder()
        val study = studied()
        val results = StudyRunner(Terminal(terminalInterface = recorder), trainer).done(study)
        trainer.ran.map { kl(it) to it.train().seed() } shouldBe listOf(0.0 to 1L, 0.1 to 1L, 0.5 to 1L, 0.0 to 2L, 0.1 to 2L, 0.5 to 2L)
        results.metrics shouldBe listOf("exactMatch", "heldOutLoss")
        // 1.1 and 1.2 without a divergence; 0.85 and 0.9 at 0.5.
        results["sft"]["heldOutLoss"].mean shouldBe (1.15 plusOrMinus 1e-12)
        results["sft"]["heldOutLoss"].standardDeviation!! shouldBe (Math.sqrt(0.005) plusOrMinus 1e-12)
        results["kl=0.5"]["heldOutLoss"].values.mapValues { "%.2f".format(java.util.Locale.ROOT, it.value) } shouldBe mapOf(1L to "0.85", 2L to "0.90")
        val difference = results["kl=0.5"].toBaseline("heldOutLoss")!!
        difference.differences.mean shouldBe (-0.275 plusOrMinus 1e-12)
        difference.differences.standardDeviation!! shouldBe (Math.sqrt(2 * 0.025 * 0.025) plusOrMinus 1e-12)
        difference.lower shouldBe 2
        results["sft"].toBaseline("heldOutLoss") shouldBe null
        shouldThrow<FinetuneException> { results["sft"]["heldOutLos"] }.message!! shouldContain "Did you mean 'heldOutLoss'?"

        val text = recorder.stdout()
        text shouldContain "run 1 of 6: sft, seed 1"
        text shouldContain Regex("run 6 of 6: kl=0.5, seed 2, about .* left")
        text shouldContain Regex("│ sft +│ +1\\.1500 ± 0\\.0707 │ +baseline │ +│ ████▋")
        text shouldContain Regex("│ kl=0\\.5 +│ +0\\.8750 ± 0\\.0354 │ +-0\\.2750 ± 0\\.0354 │ +0 of 2 │")
        text shouldContain Regex("│ before training +│ +25\\.0 % │")
        text shouldContain Regex("│ kl=0\\.1 +│ +10 │ +1,000 │ +20 s │")

        val folder = Path.of(study.folder)
        folder.resolve("results.md").readText() shouldContain "| kl=0.5 | 0.8750 ± 0.0354 | -0.2750 ± 0.0354 | 0 of 2 | 0.8500, 0.9000 |"
        folder.resolve("results.csv").readLines()[0] shouldBe "arm,kl,seed,metric,before,after,standardError,samples,steps,supervisedTokens,trainingSeconds"
        folder.resolve("results.csv").readLines().size shouldBe 1 + 6 * 2
        folder.resolve("results.json").readText() shouldContain "\"standardDeviation\""
        for (plot in listOf("heldOutLoss.svg", "exactMatch.svg")) folder.resolve(plot).readText() shouldStartWith "<svg"
    }

    test("a study that was stopped goes on with the runs that are not finished, and its results are those of an unbroken one") {
        val study = studied()
        val stopping = FakeTrainer { if (it.train().seed() == 2L) throw InterruptedRunException("the run was interrupted") else loss(it) }
        shouldThrow<InterruptedRunException> { StudyRunner(Terminal(terminalInterface = recorder()), stopping).done(study) }
        stopping.ran.size shouldBe 4
        Path.of(study.folder, "results.csv").readLines().size shouldBe 1 + 3 * 2

        val going = FakeTrainer(loss = ::loss)
        val results = StudyRunner(Terminal(terminalInterface = recorder()), going).done(study)
        going.ran.map { it.train().seed() }.distinct() shouldBe listOf(2L)
        val whole = studied()
        val unbroken = StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(whole)
        results.toMarkdown() shouldBe unbroken.toMarkdown()

        val nothing = FakeTrainer { error("nothing is left to run") }
        StudyRunner(Terminal(terminalInterface = recorder()), nothing).done(study).toMarkdown() shouldBe unbroken.toMarkdown()
        StudyRunner(Terminal(terminalInterface = recorder()), nothing).plan(study).finished shouldBe 6
    }

    test("a damaged result counts as none, and the run is gone through again") {
        val study = studied()
        StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study)
        Path.of(study.arms[1].recipes[1].output!!, "result.json").let { it.writeText(it.readText().dropLast(40)) }
        val again = FakeTrainer(loss = ::loss)
        StudyRunner(Terminal(terminalInterface = recorder()), again).done(study)
        again.ran.map { kl(it) to it.train().seed() } shouldBe listOf(0.1 to 2L)
    }

    test("one run that fails is told, and the others run") {
        val recorder = recorder()
        val trainer = FakeTrainer { if (kl(it) == 0.1 && it.train().seed() == 1L) throw FinetuneException("the loss is NaN") else loss(it) }
        val study = studied()
        val results = StudyRunner(Terminal(terminalInterface = recorder), trainer).done(study)
        results.failures shouldBe listOf(StudyFailure("kl=0.1, seed 1", "the loss is NaN"))
        results["kl=0.1"]["heldOutLoss"].values.keys shouldBe setOf(2L)
        results["kl=0.1"].toBaseline("heldOutLoss")!!.differences.standardDeviation shouldBe null
        recorder.stdout() shouldContain "failed: kl=0.1, seed 1: the loss is NaN"
        results.toMarkdown() shouldContain "| kl=0.1, seed 1 | the loss is NaN |"
        val none = FakeTrainer { throw IllegalStateException("broken") }
        shouldThrow<FinetuneException> { StudyRunner(Terminal(terminalInterface = recorder()), none).done(studied()) }.message!! shouldContain
            "no run of the study 'kl' came to its end: sft, seed 1: broken"
        none.ran.size shouldBe 6
    }

    test("data behind a script's filter, what the filter has taken in, and models that settings name are noticed as well") {
        val folder = here.resolve("scripts")
        val file = here.resolve("scripted.jsonl").also { it.writeText("{}") }
        val teacher = here.resolve("teacher").also { it.createDirectories() }
        teacher.resolve("config.json").writeText("{}")
        fun study(least: Int, factor: Double = 1.0) = studied(folder) {
            common { data(jsonl("$file").filter { it.prompt().size >= least }) }
            arm("taught") { objective(taught(asft(), teacher = "$teacher")) }
            arm("own") { objective("own") { it.logProbability().mul(-factor) } }
        }
        fun problems(changed: Study) = StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).plan(changed).problems
        StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study(1))
        problems(study(1)).shouldBeEmpty()
        problems(study(2)).first() shouldContain "other contents of data"
        problems(study(1, factor = 2.0)).first { "own, seed 1" in it } shouldContain "other contents of objective"
        teacher.resolve("config.json").writeText("{ }")
        problems(study(1)).first { "taught, seed 1" in it } shouldContain "other contents of models"
        teacher.resolve("config.json").writeText("{}")
        file.writeText("{\"other\": 1}")
        problems(study(1)).first() shouldContain "other contents of data"
    }

    test("runs of an earlier version, in which some settings were not there yet, are taken as they are") {
        val folder = here.resolve("study-${number++}")
        fun study(epochs: Int) = studied(folder) {
            val first = stage("first") { train { this.epochs = epochs } }
            arm("behind") { continueFrom(first) }
        }
        StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study(2))
        // As it was before schedules had cycles: another text, and so another hash of what continues from the stage.
        val identities = folder.toFile().walk().filter { it.name == "study-run.json" }.toList()
        val hashes = mutableMapOf<String, String>()
        fun earlier(file: java.io.File) {
            val text = file.readText()
            val old = hashes.entries.fold(text.replace(Regex(""",\s*"cycles": [^,}\n]*"""), "")) { now, (from, to) -> now.replace(from, to) }
            check(old != text) { "$file says nothing of cycles" }
            fun hash(of: String) = RecipeJson.json.decodeFromString(TrialIdentity.serializer(), of).hash
            hashes[hash(text)] = hash(old)
            file.writeText(old)
        }
        val (stages, arms) = identities.partition { "first" in it.path }
        stages.forEach(::earlier)
        arms.forEach(::earlier)
        val again = FakeTrainer(loss = ::loss)
        val recorder = recorder()
        StudyRunner(Terminal(terminalInterface = recorder), again).done(study(2))
        again.ran.shouldBeEmpty()
        val changed = StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).plan(study(3)).problems
        changed.count { "(train.epochs is 3, was 2)" in it } shouldBe 1
        changed.count { "other contents of continueFrom" in it } shouldBe 2
    }

    test("a changed recipe or changed data are noticed and refused with the difference, or run again on demand") {
        val folder = here.resolve("changing")
        val file = here.resolve("changing.jsonl").also { it.writeText("{}") }
        fun study(rank: Double, every: Long = 100) = studied(folder) {
            common { data(jsonl("$file")); train { checkpointEvery = every } }
            sweep("kl", rank, arm = "other") { objective(asft(kl = it, weightFloor = 0.1)) }
            arm("moved") { objective(asft(kl = rank, weightFloor = 0.2)) }
        }
        StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study(0.3))
        val changed = StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).plan(study(0.4)).problems
        changed.size shouldBe 2
        changed[0] shouldContain "moved, seed 1: $folder/arms/moved/seed-1 holds a run of another recipe (objective.kl is 0.4, was 0.3)"
        changed[0] shouldContain "run(rerunChanged = true)"
        // How often a run saves changes nothing that it measures.
        StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).plan(study(0.3, every = 7)).problems.shouldBeEmpty()
        shouldThrow<FinetuneException> { StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study(0.4)) }
        val again = FakeTrainer(loss = ::loss)
        StudyRunner(Terminal(terminalInterface = recorder()), again).done(study(0.4), rerunChanged = true)
        again.ran.map { it.objective() }.distinct() shouldBe listOf(asft(kl = 0.4, weightFloor = 0.1), asft(kl = 0.4, weightFloor = 0.2))

        file.writeText("{\"other\": 1}")
        val problems = StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).plan(study(0.4)).problems
        problems.size shouldBe 10
        problems[0] shouldContain "other contents of data"
    }

    test("a run that failed before it trained does not stand in the way of its mended recipe") {
        val folder = here.resolve("mended")
        fun study(kl: Double) = studied(folder) { arm("own") { objective(asft(kl = kl)) } }
        val failing = object : org.finetune4j.dsl.run.Runner.Trainer {
            private val usual = FakeTrainer(loss = ::loss)

            override fun prepare(job: FineTuning) = usual.prepare(job).let { prepared ->
                object : org.finetune4j.dsl.run.Runner.Prepared {
                    override val plan = prepared.plan

                    override fun run(base: org.finetune4j.train.BaseModel, listener: org.finetune4j.train.TrainingListener) =
                        if (kl(job) == 0.7) throw FinetuneException("no room") else prepared.run(base, listener)
                }
            }
        }
        StudyRunner(Terminal(terminalInterface = recorder()), failing).done(study(0.7)).failures.size shouldBe 2
        val mended = FakeTrainer(loss = ::loss)
        StudyRunner(Terminal(terminalInterface = recorder()), mended).done(study(0.8)).failures.shouldBeEmpty()
        mended.ran.map { kl(it) } shouldBe listOf(0.8, 0.8)
    }

    test("arms that train differently long are refused, unless that is what is compared") {
        fun uneven(budget: StudyScope.() -> Unit) = studied { budget(); arm("long") { train { epochs = 3 } } }
        fun problems(study: Study, trainer: FakeTrainer = FakeTrainer(loss = ::loss)) =
            StudyRunner(Terminal(terminalInterface = recorder()), trainer).plan(study).problems
        problems(uneven {}).single() shouldContain
            "budget: the arms make different numbers of optimiser steps: sft 10, kl=0.1 10, kl=0.5 10, long 30, so that one may be better"
        problems(uneven { differentBudgets() }).shouldBeEmpty()
        shouldThrow<FinetuneException> { StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(uneven {}) }
            .message!! shouldStartWith "This study cannot run, one problem:"

        // An anchored arm whose data have more to learn: 1,200 supervised tokens an epoch against 1,000.
        val richer: (FineTuning) -> Long = { if (kl(it) > 0) 1200 else 1000 }
        problems(studied { equalSupervisedTokens() }, FakeTrainer(richer, loss = ::loss)).single() shouldContain
            "different numbers of supervised tokens: sft 1000, kl=0.1 1200, kl=0.5 1200, which is more than 0.05 apart"
        problems(studied { equalSupervisedTokens(tolerance = 0.2) }, FakeTrainer(richer, loss = ::loss)).shouldBeEmpty()
        problems(studied { equalSteps() }, FakeTrainer(richer, loss = ::loss)).shouldBeEmpty()

        val counted = FakeTrainer(richer, loss = ::loss)
        StudyRunner(Terminal(terminalInterface = recorder()), counted).done(studied { equalSupervisedTokens(6000) })
        counted.ran.associate { kl(it) to it.train().maxSteps() } shouldBe mapOf(0.0 to 60L, 0.1 to 50L, 0.5 to 50L)
    }

    test("steps that come out otherwise than planned are warned of") {
        val recorder = recorder()
        val trainer = FakeTrainer(stepsMade = { job, planned -> if (kl(job) == 0.5) planned - 1 else planned }, loss = ::loss)
        val results = StudyRunner(Terminal(terminalInterface = recorder), trainer).done(studied())
        recorder.stdout() shouldContain "warning: the arms did not train equally long with the seeds 1, 2"
        results.toMarkdown() shouldContain "Warning: the arms did not train equally long"
        StudyRunner(Terminal(terminalInterface = recorder()), trainer).done(studied { differentBudgets() }).toMarkdown() shouldNotContain "Warning"
    }

    test("a stage is trained once before the arms that continue from it, and when it fails they are told and the others run") {
        fun staged() = studied {
            val warmUp = stage("warm-up") { train { epochs = 2 } }
            arm("after") { continueFrom(warmUp) }
        }
        val trainer = FakeTrainer(loss = ::loss)
        val study = staged()
        StudyRunner(Terminal(terminalInterface = recorder()), trainer).plan(study).problems.shouldBeEmpty()
        val results = StudyRunner(Terminal(terminalInterface = recorder()), trainer).done(study)
        trainer.ran.first().train().epochs() shouldBe 2
        trainer.ran.size shouldBe 1 + 4 * 2
        trainer.ran.mapNotNull { it.continueFrom() } shouldBe List(2) { Path.of(study.folder, "stages/warm-up/seed-1") }
        results.runs.map { it.arm }.distinct() shouldBe listOf("sft", "kl=0.1", "kl=0.5", "after")

        val failing = FakeTrainer { if (it.train().epochs() == 2) throw FinetuneException("no room") else loss(it) }
        val failed = StudyRunner(Terminal(terminalInterface = recorder()), failing).done(staged())
        failed.failures.map { it.run } shouldBe listOf("stage warm-up, seed 1", "after, seed 1", "after, seed 2")
        failed.failures[1].message shouldContain "it continues from stage warm-up, seed 1, which did not come to its end"
        failed.runs.size shouldBe 6
    }

    test("what was measured of the base model is taken over from one run to the next, and two processes do not run one study") {
        val study = studied()
        val first = Path.of(study.arms[0].recipes[0].output!!)
        Files.createDirectories(first).resolve("baseline.json").writeText("measured")
        StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study)
        Path.of(study.arms[2].recipes[1].output!!, "baseline.json").readText() shouldBe "measured"
        RunLock.of(Path.of(study.folder)).use {
            shouldThrow<FinetuneException> { StudyRunner(Terminal(terminalInterface = recorder()), FakeTrainer(loss = ::loss)).done(study) }
                .message!! shouldContain "is in use"
        }
    }

    test("the plan tells arms, runs, budget and time, and trains nothing") {
        val study = studied { equalSteps(20) }
        val trainer = FakeTrainer { error("nothing is trained") }
        val text = StudyRunner(Terminal(terminalInterface = recorder()), trainer).plan(study).toString()
        listOf(
            "kl: 3 arms with the seeds 1, 2", "20 optimiser steps each", "baseline    sft", "6, of which 0 are finished",
            "about 6 min 0 s for the training of the others", study.folder,
        ).forEach { text shouldContain it }
        text shouldContain Regex("│ kl=0\\.5 +│ +60 │ +20 │ +25,000 │")
        Path.of(study.folder).exists() shouldBe false
    }
})
