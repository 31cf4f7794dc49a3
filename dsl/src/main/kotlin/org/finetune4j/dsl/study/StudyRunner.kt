package org.finetune4j.dsl.study

import com.github.ajalt.mordant.rendering.TextStyles.bold
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.run.Runner
import org.finetune4j.dsl.show.duration
import org.finetune4j.train.InterruptedRunException
import org.finetune4j.train.RunLock
import java.nio.file.Path

/**
 * Plans and runs studies, and shows on [terminal] what it does.
 *
 * @param trainer what the recipes are planned and run with
 * @param nanoTime the clock, in nanoseconds from any origin
 */
internal class StudyRunner(
    private val terminal: Terminal,
    trainer: Runner.Trainer = Runner.Trainer.Real,
    private val nanoTime: () -> Long = System::nanoTime,
) {
    private val runner = Runner(terminal, trainer)

    fun plan(study: Study): StudyPlan = StudyPlanner(study, runner::plan).prepare(rerunChanged = false).plan

    fun run(study: Study, rerunChanged: Boolean): StudyResults {
        val planner = StudyPlanner(study, runner::plan)
        val prepared = planner.prepare(rerunChanged)
        if (prepared.plan.problems.isNotEmpty()) {
            throw FinetuneException(Messages.refused("This study cannot run", prepared.plan.problems))
        }
        terminal.println(prepared.plan)
        return RunLock.of(Path.of(study.folder)).use { Execution(study, planner, prepared).run() }
    }

    /** The runs of one study, one after the other. */
    private inner class Execution(private val study: Study, private val planner: StudyPlanner, prepared: StudyPlanner.Prepared) {
        private val trials = prepared.trials
        private val finished = mutableMapOf<Trial, StudyRun>()
        private val failures = mutableMapOf<Trial, StudyFailure>()
        private val left: List<Trial>
        private var made = 0
        private var spent = 0.0

        init {
            prepared.changed.forEach { TrialFolder(it.folder).delete() }
            trials.forEach { trial -> TrialFolder(trial.folder).result()?.let { finished[trial] = it } }
            // A stage is only trained again for a run that still needs it.
            val needed = trials.filter { it !in finished }
            left = needed.filter { trial -> !trial.isStage || needed.any { it.start == trial } }
        }

        fun run(): StudyResults {
            for (trial in left) {
                finishedOrFailed(trial)
                StudyFiles.write(results())
            }
            val results = results()
            if (results.runs.isEmpty()) throw FinetuneException(StudyMessages.nothingFinished(study.name, results.failures))
            StudyFiles.write(results)
            StudyFiles.writePlots(results)
            StudyReport(terminal).show(results)
            return results
        }

        private fun results() = StudyResults(
            study,
            study.arms.flatMap { arm -> trials.filter { it.owner == arm.name && !it.isStage }.mapNotNull { finished[it] } },
            trials.mapNotNull { failures[it] },
        )

        private fun finishedOrFailed(trial: Trial) {
            val stage = trial.start
            if (stage != null && stage in failures) {
                fail(trial, StudyMessages.stageFailed("$stage"))
                return
            }
            terminal.println()
            terminal.println(bold("run ${finished.size + failures.size + 1} of ${trials.size}: $trial") + timeLeft())
            val began = nanoTime()
            try {
                finished[trial] = trained(trial)
                made++
                spent += (nanoTime() - began) * NANOSECOND
                terminal.println(told(finished.getValue(trial)))
            } catch (interruption: InterruptedRunException) {
                throw interruption
            } catch (failure: Exception) {
                fail(trial, failure.message ?: failure.toString())
            } catch (full: OutOfMemoryError) {
                fail(trial, "memory ran out: ${full.message}. Lower tokensPerBatch or recompute more.")
            }
        }

        private fun trained(trial: Trial): StudyRun {
            val folder = TrialFolder(trial.folder)
            folder.begin(planner.identity(trial))
            finished.keys.forEach { folder.takeOver(it.folder) }
            val measurements = runner.run(trial.recipe, briefly = true).use { tuned -> tuned.metrics.values.map(Measurement::of) }
            val log = RunLog.read(trial.folder)
            val run = StudyRun(
                trial.owner, trial.seed, "${trial.folder}", log.steps, log.tokens, log.supervisedTokens, log.trainingSeconds, measurements,
            )
            folder.finish(run)
            return run
        }

        private fun fail(trial: Trial, message: String) {
            failures[trial] = StudyFailure("$trial", message)
            terminal.println("$trial failed: $message")
        }

        private fun timeLeft(): String =
            if (made == 0) "" else ", about ${duration(spent / made * (left.size - made - failures.size))} left"

        private fun told(run: StudyRun): String = run.measurements.joinToString("; ") { StudyReport.beforeAndAfter(it) }
    }

    private companion object {
        const val NANOSECOND = 1e-9
    }
}
