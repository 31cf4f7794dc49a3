package org.finetune4j.generation;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.generation.structure.Structure;
import org.jspecify.annotations.Nullable;

/**
 * How text is generated.
 *
 * <p>Settings act on the logits in this order, which is that of transformers' logits processors with OpenAI's penalties
 * after the repetition penalty: {@code logitBias}, {@code repetitionPenalty}, {@code presencePenalty} and
 * {@code frequencyPenalty}, {@code noRepeatNgram}, {@code bannedTokens}, {@code minNewTokens}, {@code structure}; then,
 * unless the most probable token is taken, {@code temperature}, {@code topK}, {@code topP}, {@code minP} and
 * {@code typicalP}, each on what the one before has left, and the draw. A beam search puts the logarithms of the
 * probabilities in place of the logits.
 *
 * @param maxNewTokens      most tokens to add, at least 1
 * @param minNewTokens      tokens before which no stop token comes, in [0, maxNewTokens]
 * @param maxLength         most tokens of prompt and continuation together; 0 for as many as the model's context has
 * @param temperature       divides the logits; 0 takes the most probable token always
 * @param topK              keeps only this many most probable tokens; 0 keeps all
 * @param topP              keeps the most probable tokens whose probabilities reach this sum, in (0, 1]
 * @param minP              keeps tokens with at least this share of the highest probability, in [0, 1); 0 keeps all
 * @param typicalP          keeps the tokens whose surprise is nearest to the expected one and whose probabilities reach
 *                          this sum, in (0, 1] (Meister et al. 2022)
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that prompt or continuation hold,
 *                          positive; 1 for none (Keskar et al. 2019, as transformers defines it)
 * @param presencePenalty   taken from the logits of tokens that the continuation holds, in [-2, 2]
 * @param frequencyPenalty  taken from the logits of tokens as often as the continuation holds them, in [-2, 2]
 * @param noRepeatNgram     no sequence of so many tokens comes twice in prompt and continuation; 0 for no such rule
 * @param logitBias         finite numbers that are added to the logits of tokens
 * @param bannedTokens      tokens that never come
 * @param seed              for sampling; the same seed gives the same text whatever else is in the batch
 * @param samples           texts for each prompt, at least 1; of a beam search the best so many
 * @param beams             width of a beam search; 1 for none
 * @param lengthPenalty     a text's score is its log-probability divided by its number of tokens to this power
 * @param earlyStopping     when a beam search ends
 * @param stopIds           tokens that end a text; they are not part of it
 * @param stopStrings       texts that end a text where they begin; none of them empty; one that is the whole of an
 *                          added token ends it as a stop token does
 * @param logProbabilities  how many alternatives are told with their log-probabilities beside each chosen token and
 *                          its own, in [0, 1000]; {@link #NONE} tells no log-probability
 * @param structure         the form that the text is held to, or null
 */
public record GenerationSettings(int maxNewTokens, int minNewTokens, int maxLength, double temperature, int topK,
        double topP,
                                 double minP, double typicalP, double repetitionPenalty, double presencePenalty,
                                 double frequencyPenalty, int noRepeatNgram, Map<Integer, Double> logitBias,
                                 Set<Integer> bannedTokens, long seed, int samples, int beams, double lengthPenalty,
                                 EarlyStopping earlyStopping, Set<Integer> stopIds, List<String> stopStrings,
                                 int logProbabilities, @Nullable Structure structure) {
    /** Asks for no log-probabilities. */
    public static final int NONE = -1;

    private static final int MOST_ALTERNATIVES = 1000;
    private static final double LARGEST_PENALTY = 2;

    /** When a beam search ends, as transformers defines it. */
    public enum EarlyStopping {
        /** When there are as many ended texts as beams. */
        WHEN_FULL,
        /** When the best open text, were it to end now, would not be among the best. */
        WHEN_UNLIKELY,
        /** When no open text can come to be among the best. */
        WHEN_IMPOSSIBLE
    }

    /**
     * Refuses values out of range and such that contradict each other.
     *
     * @throws FinetuneException that names the setting and its range
     */
    public GenerationSettings {
        require("maxNewTokens", maxNewTokens, maxNewTokens >= 1, "at least 1");
        require("minNewTokens", minNewTokens, minNewTokens >= 0 && minNewTokens <= maxNewTokens,
                "in [0, maxNewTokens = " + maxNewTokens + "]");
        require("maxLength", maxLength, maxLength >= 0, "0 (the model's context) or positive");
        require("temperature", temperature, temperature >= 0 && Double.isFinite(temperature), "0 or positive and finite");
        require("topK", topK, topK >= 0, "0 (all) or positive");
        require("topP", topP, topP > 0 && topP <= 1, "in (0, 1]");
        require("minP", minP, minP >= 0 && minP < 1, "in [0, 1)");
        require("typicalP", typicalP, typicalP > 0 && typicalP <= 1, "in (0, 1]");
        require("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
                "positive and finite");
        require("presencePenalty", presencePenalty, Math.abs(presencePenalty) <= LARGEST_PENALTY, "in [-2, 2]");
        require("frequencyPenalty", frequencyPenalty, Math.abs(frequencyPenalty) <= LARGEST_PENALTY, "in [-2, 2]");
        require("noRepeatNgram", noRepeatNgram, noRepeatNgram >= 0, "0 (no such rule) or positive");
        require("samples", samples, samples >= 1, "at least 1");
        require("beams", beams, beams >= 1, "at least 1");
        require("lengthPenalty", lengthPenalty, Double.isFinite(lengthPenalty), "finite");
        require("logProbabilities", logProbabilities, logProbabilities >= NONE && logProbabilities <= MOST_ALTERNATIVES,
                "in [0, " + MOST_ALTERNATIVES + "]");
        logitBias = Map.copyOf(logitBias);
        logitBias.forEach((token, bias) -> require("logitBias of token " + token, bias, Double.isFinite(bias), "finite"));
        bannedTokens = Set.copyOf(bannedTokens);
        stopIds = Set.copyOf(stopIds);
        stopStrings = List.copyOf(stopStrings);
        require("stopStrings", stopStrings, stopStrings.stream().noneMatch(String::isEmpty), "of texts that are not empty");
        refuseTogether(samples > 1 && temperature == 0 && beams == 1, "samples " + samples + " and temperature 0",
                "every text would be the same. Choose a temperature, or as many beams");
        refuseTogether(beams > 1 && temperature > 0, "beams " + beams + " and temperature " + temperature,
                "beam search draws nothing. Set one of them to its default");
        refuseTogether(beams > 1 && samples > beams, "samples " + samples + " and beams " + beams,
                "no more texts come out of a beam search than it has beams. Choose more beams");
        refuseTogether(beams > 1 && !stopStrings.isEmpty(), "beams and stopStrings",
                "beams are compared token by token. Use stop tokens, or no beams");
        refuseTogether(beams > 1 && structure != null, "beams and structure",
                "a form is kept by one text at a time. Leave the beams out");
        refuseTogether(structure != null && (noRepeatNgram > 0 || !bannedTokens.isEmpty()),
                "structure with noRepeatNgram or bannedTokens", "they could forbid every token that the form allows. "
                        + "Use penalties or logitBias instead");
    }

    private static void require(String name, Object value, boolean right, String range) {
        if (!right) {
            throw new FinetuneException("generation: " + name + " is " + value + ", but must be " + range + ".");
        }
    }

    private static void refuseTogether(boolean wrong, String settings, String why) {
        if (wrong) {
            throw new FinetuneException("generation: " + settings + " contradict each other, because " + why + ".");
        }
    }

    /** Always the most probable token. */
    public static GenerationSettings greedy(int maxNewTokens, Set<Integer> stopIds) {
        return builder().maxNewTokens(maxNewTokens).stopIds(stopIds).build();
    }

    /** A builder that begins with the default settings: greedy, 256 new tokens. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that begins with these settings. */
    public Builder toBuilder() {
        return new Builder().maxNewTokens(maxNewTokens).minNewTokens(minNewTokens).maxLength(maxLength)
                .temperature(temperature).topK(topK).topP(topP).minP(minP).typicalP(typicalP)
                .repetitionPenalty(repetitionPenalty).presencePenalty(presencePenalty).frequencyPenalty(frequencyPenalty)
                .noRepeatNgram(noRepeatNgram).logitBias(logitBias).bannedTokens(bannedTokens).seed(seed).samples(samples)
                .beams(beams).lengthPenalty(lengthPenalty).earlyStopping(earlyStopping).stopIds(stopIds)
                .stopStrings(stopStrings).logProbabilities(logProbabilities).structure(structure);
    }

    /** The settings one by one; {@link #build()} refuses what does not fit together. */
    public static final class Builder {
        private int maxNewTokens = 256;
        private int minNewTokens;
        private int maxLength;
        private boolean lengthGivesWay;
        private double temperature;
        private int topK;
        private double topP = 1;
        private double minP;
        private double typicalP = 1;
        private double repetitionPenalty = 1;
        private double presencePenalty;
        private double frequencyPenalty;
        private int noRepeatNgram;
        private Map<Integer, Double> logitBias = Map.of();
        private Set<Integer> bannedTokens = Set.of();
        private long seed;
        private int samples = 1;
        private int beams = 1;
        private double lengthPenalty = 1;
        private EarlyStopping earlyStopping = EarlyStopping.WHEN_UNLIKELY;
        private Set<Integer> stopIds = Set.of();
        private List<String> stopStrings = List.of();
        private int logProbabilities = NONE;
        private @Nullable Structure structure;

        private Builder() {
        }

        /** Sets the most tokens to add; default 256. */
        public Builder maxNewTokens(int tokens) {
            maxNewTokens = tokens;
            maxLength = lengthGivesWay ? 0 : maxLength;
            return this;
        }

        /** Sets the tokens before which no stop token comes; default 0. */
        public Builder minNewTokens(int tokens) {
            minNewTokens = tokens;
            return this;
        }

        /** Sets the most tokens of prompt and continuation together; default 0, the model's context. */
        public Builder maxLength(int tokens) {
            maxLength = tokens;
            lengthGivesWay = false;
            return this;
        }

        /** Sets the most tokens of prompt and continuation together until a number of new tokens is asked for. */
        Builder lengthWithoutMaxNewTokens(int tokens) {
            maxNewTokens(Math.max(1, tokens)).maxLength(tokens);
            lengthGivesWay = true;
            return this;
        }

        /** Sets what divides the logits; default 0, the most probable token always. */
        public Builder temperature(double value) {
            temperature = value;
            return this;
        }

        /** Keeps only so many most probable tokens; default 0, all. */
        public Builder topK(int tokens) {
            topK = tokens;
            return this;
        }

        /** Keeps the most probable tokens that reach this sum; default 1. */
        public Builder topP(double sum) {
            topP = sum;
            return this;
        }

        /** Keeps tokens with this share of the highest probability; default 0. */
        public Builder minP(double share) {
            minP = share;
            return this;
        }

        /** Keeps the most typical tokens that reach this sum; default 1. */
        public Builder typicalP(double sum) {
            typicalP = sum;
            return this;
        }

        /** Sets the penalty of all tokens that were there; default 1. */
        public Builder repetitionPenalty(double factor) {
            repetitionPenalty = factor;
            return this;
        }

        /** Sets the penalty of generated tokens; default 0. */
        public Builder presencePenalty(double amount) {
            presencePenalty = amount;
            return this;
        }

        /** Sets the penalty of generated tokens for each time; default 0. */
        public Builder frequencyPenalty(double amount) {
            frequencyPenalty = amount;
            return this;
        }

        /** Lets no sequence of so many tokens come twice; default 0, no such rule. */
        public Builder noRepeatNgram(int tokens) {
            noRepeatNgram = tokens;
            return this;
        }

        /** Sets what is added to logits, by token; default nothing. */
        public Builder logitBias(Map<Integer, Double> biases) {
            logitBias = biases;
            return this;
        }

        /** Sets tokens that never come; default none. */
        public Builder bannedTokens(Set<Integer> tokens) {
            bannedTokens = tokens;
            return this;
        }

        /** Sets the seed of the draws; default 0. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Sets the texts for each prompt; default 1. */
        public Builder samples(int texts) {
            samples = texts;
            return this;
        }

        /** Sets the width of a beam search; default 1, none. */
        public Builder beams(int width) {
            beams = width;
            return this;
        }

        /** Sets the power of the length that divides a beam's log-probability; default 1. */
        public Builder lengthPenalty(double power) {
            lengthPenalty = power;
            return this;
        }

        /** Sets when a beam search ends; default {@link EarlyStopping#WHEN_UNLIKELY}. */
        public Builder earlyStopping(EarlyStopping rule) {
            earlyStopping = rule;
            return this;
        }

        /** Sets the tokens that end a text; default none. */
        public Builder stopIds(Set<Integer> tokens) {
            stopIds = tokens;
            return this;
        }

        /** Adds tokens that end a text to those that do already. */
        public Builder addStopIds(Set<Integer> tokens) {
            Set<Integer> all = new HashSet<>(stopIds);
            all.addAll(tokens);
            stopIds = all;
            return this;
        }

        /** Sets the texts that end a text; default none. */
        public Builder stopStrings(List<String> texts) {
            stopStrings = texts;
            return this;
        }

        /** Asks for log-probabilities of chosen tokens and of so many alternatives; default {@link #NONE}. */
        public Builder logProbabilities(int alternatives) {
            logProbabilities = alternatives;
            return this;
        }

        /** Holds the text to a form; default null, none. */
        public Builder structure(@Nullable Structure form) {
            structure = form;
            return this;
        }

        /**
         * The settings.
         *
         * @throws FinetuneException when one is out of range or two contradict each other
         */
        public GenerationSettings build() {
            return new GenerationSettings(maxNewTokens, minNewTokens, maxLength, temperature, topK, topP, minP, typicalP,
                    repetitionPenalty, presencePenalty, frequencyPenalty, noRepeatNgram, logitBias, bannedTokens, seed,
                    samples,
                    beams, lengthPenalty, earlyStopping, stopIds, stopStrings, logProbabilities, structure);
        }
    }
}
