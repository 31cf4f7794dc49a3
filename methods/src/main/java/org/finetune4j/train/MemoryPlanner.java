package org.finetune4j.train;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.objective.PassForecast;
import org.finetune4j.methods.objective.PassOutline;
import org.finetune4j.model.EngineForecast;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Parameters;
import org.finetune4j.model.TrainingEngine;
import org.jspecify.annotations.Nullable;

/**
 * Chooses what is computed again, from the arena that the graph itself asks for.
 *
 * <p>Choices are numbered by what they cost: 0 keeps everything, 1 computes norms and activations again, and every
 * further one a further block. The last block is never among them: its reverse pass comes first, when all of it is there.
 */
final class MemoryPlanner {
    /** Java's heap and code, its libraries and oneDNN's code, as measured with models of 0.1 to 1.2 billion parameters. */
    private static final long PROGRAM_BYTES = 320L << 20;
    /** AdamW's two moments and the gradient. */
    private static final int OPTIMIZER_ARRAYS = 3;

    private final ModelConfig config;
    private final TrainSettings settings;
    private final @Nullable LinearAdapter adapter;
    private final TokenLoss loss;
    private final @Nullable ModelConfig teacher;
    private final Beside beside;
    private final Kernels kernels;
    private final Batch batch;
    private final long availableBytes;
    private final Map<Integer, Choice> choices = new HashMap<>();

    /** The largest batch: its tokens, the supervised ones among them, and its sequences. */
    record Batch(int tokens, int supervised, int sequences) {
    }

    /** What is computed beside the training's own passes. */
    interface Beside {
        /** Nothing. */
        Beside NOTHING = outline -> List.of(PassForecast.NONE);

        /** What each of them needs; the first counts for every micro-batch, the others only for their memory. */
        List<PassForecast> passes(PassOutline outline);
    }

    /** A choice, what the engine then needs, and what passes beside it do. */
    record Choice(MemoryEstimate memory, EngineForecast forecast, List<PassForecast> beside) {
    }

    MemoryPlanner(ModelConfig config, TrainSettings settings, @Nullable LinearAdapter adapter, TokenLoss loss,
                  @Nullable ModelConfig teacher, Beside beside, Kernels kernels, Batch batch, long availableBytes) {
        this.config = config;
        this.settings = settings;
        this.adapter = adapter;
        this.loss = loss;
        this.teacher = teacher;
        this.beside = beside;
        this.kernels = kernels;
        this.batch = batch;
        this.availableBytes = availableBytes;
    }

    /**
     * What the settings ask for; with AUTO the least costly choice that fits, or the smallest when none does. With AUTO and
     * FASTEST copies of frozen weights then take of the memory that is left.
     */
    Choice choose() {
        Choice choice = asAsked();
        boolean saves = settings.memory() == MemoryUse.SMALLEST || settings.memory() == MemoryUse.BLOCKS;
        return saves || choice.forecast().copyBytes() == 0 ? choice
                : new Choice(choice.memory().withCopies(choice.forecast().copyBytes()), choice.forecast(), choice.beside());
    }

    private Choice asAsked() {
        return switch (settings.memory()) {
            case FASTEST -> choice(0);
            case SMALLEST -> choice(last());
            case BLOCKS -> choice(settings.recomputedBlocks() == 0 ? 0 : Math.min(settings.recomputedBlocks() + 1, last()));
            case AUTO -> leastCostly();
        };
    }

    /** The choice that takes the least memory. */
    Choice smallest() {
        return choice(last());
    }

    private int last() {
        return config.layers();
    }

    private Choice leastCostly() {
        if (choice(0).memory().fits() || !smallest().memory().fits()) {
            return choice(0).memory().fits() ? choice(0) : smallest();
        }
        int tooLarge = 0;
        int fits = last();
        while (fits - tooLarge > 1) {
            int middle = (fits + tooLarge) / 2;
            if (choice(middle).memory().fits()) {
                fits = middle;
            } else {
                tooLarge = middle;
            }
        }
        return choice(fits);
    }

    private Choice choice(int number) {
        Choice known = choices.get(number);
        if (known == null) {
            known = forecast(number);
            choices.put(number, known);
        }
        return known;
    }

    private Choice forecast(int number) {
        boolean cheap = number > 0;
        int recomputed = Math.max(0, number - 1);
        try (LanguageModel outline = LanguageModel.outline(config, settings.precision(),
                settings.frozenWeights(), kernels);
                LanguageModel reference = teacher == null ? null : LanguageModel.outline(teacher, settings.precision(),
                        FrozenWeights.AS_ACTIVATIONS, kernels)) {
            if (adapter == null) {
                outline.trainAll();
            } else {
                outline.attach(adapter, 0);
            }
            try (TrainingEngine engine = TrainingEngine.taught(outline, loss, reference,
                    MemoryEstimate.options(cheap, recomputed))) {
                EngineForecast forecast = engine.forecast(batch.tokens(), batch.supervised(), batch.sequences());
                List<PassForecast> passes = beside.passes(new PassOutline(outline, MemoryEstimate.options(cheap, recomputed),
                        forecast, batch.tokens(), batch.supervised(), batch.sequences()));
                Parameters parameters = outline.parameters();
                double more = number == 0 ? 0 : forecast.products() / choice(0).forecast().products() - 1;
                return new Choice(new MemoryEstimate(parameters.bytes(), OPTIMIZER_ARRAYS * parameters.trainableCount()
                        * settings.precision().masterType().width(), forecast.arenaBytes(), forecast.headBytes(),
                        forecast.referenceBytes(), passes.stream().mapToLong(PassForecast::bytes).sum(), 0, 0, 0, 0,
                        PROGRAM_BYTES, availableBytes, cheap, recomputed, config.layers(),
                        more), forecast, passes);
            }
        }
    }
}
