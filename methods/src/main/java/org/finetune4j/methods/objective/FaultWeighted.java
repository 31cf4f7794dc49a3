package org.finetune4j.methods.objective;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.head.SampleLosses;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.jspecify.annotations.Nullable;

/**
 * Fault-aware fine-tuning: the tokens of a right program in which it differs from near-identical wrong ones weigh more, the
 * longer the model finds both about as likely.
 *
 * <p>Fault-Aware Fine-Tuning for Better Code Generation, arXiv 2503.16913. A record brings the right program as its response
 * and wrong variants in the field {@code faulty}. Lines (L) and tokens (T) of the right program that a variant has otherwise
 * are marked by masks m, and likewise those of the variants. With A the mean log-probability of marked tokens in the right
 * program and in the variants, the loss of a token is
 * <pre>
 * w_j (- log p_j),   w_j = 1 + line rho_L m_L,j + token rho_T m_T,j,   rho = sg[sigmoid(A_wrong - A_right)]
 * </pre>
 * divided by the number of labels, or by the sum of the weights of the step; nothing is learned from the variants. The
 * paper's formula of the dynamic weight was not at hand: this one is a reconstruction. The paper trains for one epoch. Logs
 * {@code nll}, {@code lineDoubt} and {@code tokenDoubt} (rho; 0 where nothing is marked).
 *
 * @param line          factor of the weight of marked lines, at least 0; default 1
 * @param token         factor of the weight of marked tokens, at least 0; default 1
 * @param faulty        the field of a record that holds wrong variants, a text or a list of texts
 * @param minSimilarity least similarity of a variant, 1 - edit distance / length, in [0, 1); others are left out; default 0.7
 * @param weighting     DYNAMIC (default), or CONSTANT where rho is 1
 * @param normalise     what the sum of a step's losses is divided by; default LABELS
 */
public record FaultWeighted(double line, double token, String faulty, double minSimilarity, Weighting weighting,
                            Normalise normalise) implements Objective {
    /** FAIT, 2025. */
    public static final Method<FaultWeighted> METHOD = new Method<>("faultWeighted", Method.Kind.OBJECTIVE,
            "Fault-Aware Fine-Tuning for Better Code Generation", "arXiv 2503.16913",
            settings -> new FaultWeighted(settings.number("line", 1), settings.number("token", 1),
                    settings.text("faulty", "faulty"), settings.number("minSimilarity", 0.7),
                    settings.choice("weighting", Weighting.DYNAMIC), settings.choice("normalise", Normalise.LABELS)));
    static final String LINES = "faultyLines";
    static final String TOKENS = "faultyTokens";

    /** What rho is. */
    public enum Weighting {
        /** How undecided the model is between the right and the wrong segment. */
        DYNAMIC,
        /** 1. */
        CONSTANT
    }

    /** What the sum of a step's losses is divided by. */
    public enum Normalise {
        /** The number of learned tokens, so that marked ones add to the step. */
        LABELS,
        /** The sum of their weights, so that marked ones take from the others. */
        WEIGHTS
    }

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public FaultWeighted {
        Settings.require(line >= 0 && Double.isFinite(line), "faultWeighted", "line", line, "a finite number of at least 0");
        Settings.require(token >= 0 && Double.isFinite(token), "faultWeighted", "token", token,
                "a finite number of at least 0");
        Settings.require(minSimilarity >= 0 && minSimilarity < 1, "faultWeighted", "minSimilarity", minSimilarity,
                "at least 0 and below 1");
    }

    @Override
    public Method<FaultWeighted> method() {
        return METHOD;
    }

    @Override
    public boolean preparesExamples() {
        return true;
    }

    /** Most records bring one wrong variant. */
    @Override
    public int sequencesPerSample() {
        return 2;
    }

    @Override
    public TokenLoss tokenLoss() {
        return new SampleTokenLoss(new FaultWeightedLoss(this), LINES, TOKENS) {
            @Override
            public @Nullable String divisor() {
                return normalise == Normalise.WEIGHTS ? SampleLosses.DIVISOR : null;
            }
        };
    }

    @Override
    public ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        Map<String, Sample> samples = new LinkedHashMap<>();
        preparation.samples().forEach(sample -> {
            if (samples.put(sample.id(), sample) != null) {
                throw new FinetuneException("faultWeighted: two samples are called " + sample.id() + ", so that the variants of "
                        + "one would mark the other. Keep one response to each prompt.");
            }
        });
        byte[] @Nullable [] bytes = preparation.tokenizer().tokenBytes();
        List<Example> prepared = new ArrayList<>();
        int variants = 0;
        int refused = 0;
        int without = 0;
        for (Example example : preparation.examples()) {
            Sample sample = samples.get(example.id());
            String right = sample.response();
            if (right == null) {
                throw new FinetuneException("faultWeighted: " + sample.id() + " is a plain text and no program that answers a "
                        + "prompt. Leave it out.");
            }
            List<String> given = variants(sample);
            List<String> near = given.stream().filter(wrong -> isFault(right, wrong)).toList();
            variants += given.size();
            refused += given.size() - near.size();
            FaultMasks own = new FaultMasks(new boolean[right.length()], new boolean[right.length()]);
            List<Example> companions = new ArrayList<>();
            for (String wrong : near) {
                Optional<Example> encoded = preparation.encoder().encodeOne(sample.withResponse(wrong)
                        .withId(example.id() + "~" + companions.size()));
                if (encoded.isEmpty()) {
                    refused++;
                    continue;
                }
                own = own.or(FaultMasks.of(right, wrong));
                companions.add(marked(encoded.get(), wrong, FaultMasks.of(wrong, right), bytes));
            }
            without += companions.isEmpty() ? 1 : 0;
            prepared.add(marked(example, right, own, bytes).withCompanions(companions));
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("wrong variants", String.valueOf(variants));
        report.put("left out as unlike, no different or too long", String.valueOf(refused));
        report.put("samples without a variant", String.valueOf(without));
        return new ExamplePreparation.Prepared(prepared, report);
    }

    /** Near enough, and different in more than white space. */
    private boolean isFault(String right, String wrong) {
        return !right.replaceAll("\\s", "").equals(wrong.replaceAll("\\s", ""))
                && FaultMasks.similarity(right, wrong) >= minSimilarity;
    }

    private static Example marked(Example example, String text, FaultMasks masks, byte[] @Nullable [] bytes) {
        return example.withColumn(LINES, TokenSpans.marked(example, text, masks.lines(), bytes))
                .withColumn(TOKENS, TokenSpans.marked(example, text, masks.characters(), bytes));
    }

    private List<String> variants(Sample sample) {
        String text = sample.fields().get(faulty);
        if (text == null || text.isBlank()) {
            return List.of();
        }
        if (!text.startsWith("[")) {
            return List.of(text);
        }
        List<String> variants = new ArrayList<>();
        try {
            for (JsonNode variant : StrictJson.mapper().readTree(text)) {
                variants.add(variant.asText());
            }
            return variants;
        } catch (JsonProcessingException e) {
            // A program may begin with a bracket, too.
            return List.of(text);
        }
    }

    @Override
    public List<String> notes() {
        return line == 0 && token == 0 ? List.of("faultWeighted with line 0 and token 0 is sft(): give one of them a weight.")
                : List.of();
    }

    @Override
    public List<String> problems(Composition composition) {
        return composition.refuseShortened("faultWeighted marks tokens of whole programs");
    }
}
