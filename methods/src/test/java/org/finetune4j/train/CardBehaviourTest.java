package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.objective.DftDynamic;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

/** What the cards say of a real transformer: card sft, test 8, and card dft-dynamic, test 3. */
class CardBehaviourTest {
    private static final int END = 1;
    private static final int PROMPT = 5;
    private static final int RESPONSE = 6;

    @Test
    void twoLayersOverfitEightSamplesAndSayThemWithTheirEnd() {
        List<Example> samples = samples();
        PackedBatch responses = batch(samples);
        PackedBatch prompts = batch(samples.stream().map(CardBehaviourTest::promptOnly).toList());
        try (Kernels kernels = new OneDnnKernels();
                LanguageModel model = LanguageModel.random(config(), Precision.F32, kernels, 3)) {
            model.trainAll();
            try (ModelGradientEngine engine = new ModelGradientEngine(model, new Sft());
                    AdamW optimizer = new AdamW(engine, kernels, TrainSettings.builder().weightDecay(0).build())) {
                double promptBefore = engine.evaluate(prompts).loss();
                double loss = Double.POSITIVE_INFINITY;
                while (loss >= 0.01 && optimizer.updates() < 300) {
                    engine.zeroGradients();
                    loss = engine.accumulateGradient(responses, -1).loss();
                    optimizer.update(3e-3, 1);
                    engine.weightsChanged();
                }
                assertTrue(loss < 0.01, "loss " + loss + " after " + optimizer.updates() + " steps");
                assertTrue(engine.evaluate(prompts).loss() > 0.9 * promptBefore, "prompts were learned too");
            }
            try (Generator generator = new Generator(model)) {
                for (Example sample : samples) {
                    int[] text = generator.generate(List.of(Arrays.copyOf(sample.ids(), PROMPT)),
                            GenerationSettings.greedy(20, Set.of(END))).get(0);
                    assertArrayEquals(Arrays.copyOfRange(sample.ids(), PROMPT, PROMPT + RESPONSE), text);
                }
            }
        }
    }

    @Test
    void dftMovesAModelAsTheMeanOfOneMinusTheProbabilityDoes() {
        TokenLoss minusProbability = new TokenLoss() {
            @Override
            public Expression build(TokenView view) {
                return new Expression(view.graph().math().exp(view.logProbability()).rsub(1.0), Map.of());
            }
        };
        double[] dft = gradient(new DftDynamic().tokenLoss());
        double[] probability = gradient(minusProbability);
        double[] sft = gradient(new Sft().tokenLoss());
        double largest = Arrays.stream(dft).map(Math::abs).max().orElseThrow();
        double furthest = 0;
        for (int i = 0; i < dft.length; i++) {
            assertEquals(probability[i], dft[i], 1e-6 * largest);
            furthest = Math.max(furthest, Math.abs(sft[i] - dft[i]));
        }
        assertTrue(furthest > 0.1 * largest, "DFT and SFT move the model alike");
    }

    private static double[] gradient(TokenLoss loss) {
        try (Kernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.random(config(), Precision.F64, kernels, 4)) {
            model.trainAll();
            try (ModelGradientEngine engine = new ModelGradientEngine(model, loss)) {
                engine.zeroGradients();
                engine.accumulateGradient(batch(samples().subList(0, 3)), -1);
                return engine.gradient().toDoubleVector();
            }
        }
    }

    private static ModelConfig config() {
        return ModelConfig.llama(48, 64, 96, 2, 4, 2, 16, 1e-5, 10000, 64, true, null, List.of(END), DataType.FLOAT, 0.1);
    }

    /** Random prompts, each with a random response and its end token, which alone are learned. */
    private static List<Example> samples() {
        Random random = new Random(8);
        return IntStream.range(0, 8).mapToObj(sample -> {
            int[] ids = random.ints(PROMPT + RESPONSE + 1, 2, 48).toArray();
            ids[PROMPT + RESPONSE] = END;
            boolean[] supervised = new boolean[ids.length];
            Arrays.fill(supervised, PROMPT, ids.length, true);
            return new Example("s" + sample, ids, supervised);
        }).toList();
    }

    private static Example promptOnly(Example sample) {
        boolean[] supervised = new boolean[PROMPT];
        Arrays.fill(supervised, 1, PROMPT, true);
        return new Example(sample.id(), Arrays.copyOf(sample.ids(), PROMPT), supervised);
    }

    private static PackedBatch batch(List<Example> samples) {
        return StepBatches.of(List.of(samples), Reduction.TOKENS).get(0);
    }
}
