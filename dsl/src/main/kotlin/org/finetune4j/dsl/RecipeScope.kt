package org.finetune4j.dsl

import org.finetune4j.head.TokenView
import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.decode.Decoder
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.select.Selecting
import org.nd4j.autodiff.samediff.SDVariable

/**
 * The inside of `recipe { }` and `finetune { }`: what training starts from, learns and is measured by.
 *
 * @param usual what holds where nothing is called here, as for the arms of a study
 * @param start what `train { }` begins with
 */
@RecipeDsl
public open class RecipeScope internal constructor(private val usual: RecipeDraft? = null, private val start: Training = Training()) {
    private val bases = mutableListOf<Base>()
    private val data = mutableListOf<TrainingData>()
    private val heldOut = mutableListOf<DataSource>()
    private val splits = mutableListOf<Pair<Double, Long>>()
    private val selections = mutableListOf<List<Selecting>>()
    private val objectives = mutableListOf<Objective>()
    private val adapters = mutableListOf<Adapter>()
    private val trainings = mutableListOf<Training>()
    private val evaluations = mutableListOf<Evaluation>()
    private val decoders = mutableListOf<Decoder>()
    private val outputs = mutableListOf<String>()
    private val startingRuns = mutableListOf<String>()

    /** Starts from the model in a [folder] in the Hugging Face layout. */
    public fun base(folder: String) {
        bases += ModelFolder(folder)
    }

    /** Starts from random weights; [tokenizer] is a folder with `tokenizer.json` and `tokenizer_config.json`. */
    public fun base(model: NewModel, tokenizer: String) {
        bases += UntrainedModel(model, tokenizer)
    }

    /** Trains on [source], whose conversations [template] turns into text. */
    public fun data(source: DataSource, template: Template = chatTemplate()) {
        data += TrainingData(source, template)
    }

    /** Keeps [source] for evaluation; it is never trained on. */
    public fun heldOut(source: DataSource) {
        heldOut += source
    }

    /**
     * Keeps a share [heldOut] of the prompts of the data, in (0, 1), for evaluation and trains on the others, as
     * [DataSource.split] does; in the place of [heldOut] with a source.
     */
    public fun split(heldOut: Double, salt: Long = 0) {
        splits += heldOut to salt
    }

    /**
     * Chooses what of the data is trained on; without this call, all of it. Several [selectors] choose one after another,
     * each among what those before it leave; so do those of several calls. Those that work before training come before
     * those that work in every pass, by [eachEpoch], and these before those that work in every step, such as [qTuning], [uds] and
     * [demask], wherever they stand. Two that decide which response a prompt is
     * trained with stand in one call, so that their order is no accident.
     */
    public fun select(vararg selectors: Selecting) {
        selections += selectors.toList()
    }

    /** Minimises [objective]; without this call, plain [sft]. */
    public fun objective(objective: Objective) {
        objectives += objective
    }

    /** Minimises a loss of your own; see the function of the same name outside recipes. */
    public fun objective(name: String, needsReference: Boolean = false, loss: (TokenView) -> SDVariable) {
        objectives += org.finetune4j.dsl.objective(name, needsReference, loss)
    }

    /** Trains [adapter] and leaves the base as it is; without this call every weight trains. */
    public fun adapt(adapter: Adapter) {
        adapters += adapter
    }

    /** Sets steps, optimiser, precision and seed. */
    public fun train(settings: @RecipeDsl TrainScope.() -> Unit) {
        trainings += TrainScope(start).apply(settings).freeze()
    }

    /**
     * Measures [metrics] before and after training on the samples given by [heldOut], or on those that a metric brings
     * itself; answers that are generated for it have at most [maxNewTokens] tokens.
     */
    public fun evaluate(vararg metrics: Metric, maxNewTokens: Int = 128) {
        evaluations += Evaluation(metrics.toList(), maxNewTokens)
    }

    /** Makes the probabilities of choices that metrics ask for by [decoder]; without this call, by one pass over each. */
    public fun decode(decoder: Decoder) {
        decoders += decoder
    }

    /**
     * Keeps checkpoints, the log and the result in [folder]; without this call, in `runs/` under the recipe's own name.
     */
    public fun output(folder: String) {
        outputs += folder
    }

    /**
     * Begins with the trained weights of another run's latest checkpoint, with a fresh optimiser and schedule; base and
     * adapter must be those of that run.
     *
     * @param run that run's folder
     */
    public fun continueFrom(run: String) {
        startingRuns += run
    }

    internal fun draft(): RecipeDraft {
        val own = RecipeDraft(
            bases, data, heldOut, splits, selections, objectives, adapters, trainings, evaluations, decoders, outputs, startingRuns, start,
        )
        return if (usual == null) own else own.over(usual)
    }
}
