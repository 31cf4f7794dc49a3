package org.finetune4j.generation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.generation.GenerationSettings.EarlyStopping;

/**
 * The settings that a model folder asks for in {@code generation_config.json}, as transformers reads them: without
 * {@code do_sample} the most probable token is taken, and with it {@code temperature} is 1 and {@code top_k} 50 unless the
 * file says otherwise.
 *
 * @param fields everything in the file, as it is written back when the model is saved; empty without a file
 * @param notes  fields that are not followed, one sentence each
 * @param from   the file, for messages
 */
public record GenerationConfig(ObjectNode fields, List<String> notes, Path from) {
    /** The file's name in a model folder. */
    public static final String FILE_NAME = "generation_config.json";

    private static final long MAXIMUM_BYTES = 1_000_000;
    private static final int DEFAULT_TOP_K = 50;
    private static final Set<String> FOLLOWED = Set.of("do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p",
            "repetition_penalty", "no_repeat_ngram_size", "max_new_tokens", "max_length", "min_new_tokens", "num_beams",
            "length_penalty", "early_stopping", "num_return_sequences", "eos_token_id", "suppress_tokens", "stop_strings");
    /** Fields that do not change the text, or that the tokenizer's files decide. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("bos_token_id", "pad_token_id", "transformers_version",
            "use_cache",
            "_from_model_config", "return_dict_in_generate", "output_scores", "output_attentions", "output_hidden_states",
            "output_logits", "cache_implementation", "trust_remote_code", "renormalize_logits", "remove_invalid_values");
    /** Fields that would change the text, with the value at which they do not. */
    private static final Map<String, Double> NEUTRAL = Map.of("num_beam_groups", 1.0, "diversity_penalty", 0.0,
            "penalty_alpha",
            0.0, "epsilon_cutoff", 0.0, "eta_cutoff", 0.0, "guidance_scale", 1.0, "min_length", 0.0,
            "encoder_repetition_penalty", 1.0, "encoder_no_repeat_ngram_size", 0.0);

    /** Keeps an immutable copy of the notes. */
    public GenerationConfig {
        notes = List.copyOf(notes);
    }

    /**
     * Reads the file of a model folder; without one there is nothing in it.
     *
     * @throws CheckpointException when it is not one valid JSON object, or a field has a value out of its range or that
     *                             contradicts another
     */
    public static GenerationConfig read(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return Files.exists(file) ? of(StrictJson.readObject(file, MAXIMUM_BYTES), file)
                : new GenerationConfig(StrictJson.mapper().createObjectNode(), List.of(), file);
    }

    /** The settings in a text of the file's form, named in messages by {@code origin}. */
    public static GenerationConfig parse(String json, Path origin) {
        return of(StrictJson.parseObject(json, origin), origin);
    }

    private static GenerationConfig of(ObjectNode fields, Path file) {
        List<String> notes = new ArrayList<>();
        boolean draws = fields.path("do_sample").asBoolean(false);
        fields.properties().forEach(field -> {
            String name = field.getKey();
            JsonNode value = field.getValue();
            Double neutral = NEUTRAL.get(name);
            boolean known = FOLLOWED.contains(name) || WITHOUT_EFFECT.contains(name) || value.isNull()
                    || neutral != null && value.isNumber() && value.doubleValue() == neutral;
            if (!known) {
                notes.add(file + ": " + name + " = " + value + " is kept, but not followed.");
            } else if (!draws && Set.of("temperature", "top_k", "top_p", "min_p", "typical_p").contains(name)
                    && !value.isNull()) {
                notes.add(file + ": " + name + " = " + value + " has no effect, because do_sample is not true.");
            }
        });
        GenerationConfig config = new GenerationConfig(fields, notes, file);
        try {
            config.settings().build();
        } catch (CheckpointException e) {
            throw e;
        } catch (FinetuneException e) {
            throw new CheckpointException(file, e.getMessage().replaceAll("\\.$", ""), "Correct the file", e);
        }
        return config;
    }

    /** A builder that begins with the file's settings. */
    public GenerationSettings.Builder settings() {
        GenerationSettings.Builder settings = GenerationSettings.builder();
        if (bool("do_sample")) {
            settings.temperature(number("temperature", 1)).topK(integer("top_k", DEFAULT_TOP_K)).topP(number("top_p", 1))
                    .minP(number("min_p", 0)).typicalP(number("typical_p", 1));
        }
        settings.repetitionPenalty(number("repetition_penalty", 1)).noRepeatNgram(integer("no_repeat_ngram_size", 0))
                .minNewTokens(integer("min_new_tokens", 0)).beams(integer("num_beams", 1))
                .samples(integer("num_return_sequences", 1)).lengthPenalty(number("length_penalty", 1))
                .earlyStopping(earlyStopping()).stopIds(tokens("eos_token_id")).bannedTokens(tokens("suppress_tokens"))
                .stopStrings(strings("stop_strings"));
        if (given("max_new_tokens")) {
            settings.maxNewTokens(integer("max_new_tokens", 0));
        } else if (given("max_length")) {
            // As in transformers, it counts the prompt as well and gives way to max_new_tokens.
            settings.lengthWithoutMaxNewTokens(integer("max_length", 0));
        }
        return settings;
    }

    private boolean given(String name) {
        return fields.hasNonNull(name);
    }

    private boolean bool(String name) {
        if (given(name) && !fields.get(name).isBoolean()) {
            throw refused(name, "true or false");
        }
        return fields.path(name).asBoolean(false);
    }

    private double number(String name, double otherwise) {
        if (given(name) && !fields.get(name).isNumber()) {
            throw refused(name, "a number");
        }
        return given(name) ? fields.get(name).doubleValue() : otherwise;
    }

    private int integer(String name, int otherwise) {
        double number = number(name, otherwise);
        if (number != Math.rint(number) || Math.abs(number) > Integer.MAX_VALUE) {
            throw refused(name, "a whole number");
        }
        return (int) number;
    }

    private EarlyStopping earlyStopping() {
        JsonNode value = fields.path("early_stopping");
        if (value.isTextual() && value.textValue().equals("never")) {
            return EarlyStopping.WHEN_IMPOSSIBLE;
        }
        return bool("early_stopping") ? EarlyStopping.WHEN_FULL : EarlyStopping.WHEN_UNLIKELY;
    }

    private Set<Integer> tokens(String name) {
        Set<Integer> tokens = new HashSet<>();
        for (JsonNode token : given(name) && fields.get(name).isArray() ? fields.get(name) : List.of(fields.path(name))) {
            if (token.isMissingNode() || token.isNull()) {
                continue;
            }
            if (!token.canConvertToInt() || token.intValue() < 0) {
                throw refused(name, "a token id or a list of token ids");
            }
            tokens.add(token.intValue());
        }
        return tokens;
    }

    private List<String> strings(String name) {
        List<String> strings = new ArrayList<>();
        for (JsonNode text : given(name) && fields.get(name).isArray() ? fields.get(name) : List.of(fields.path(name))) {
            if (text.isTextual()) {
                strings.add(text.textValue());
            } else if (!text.isMissingNode() && !text.isNull()) {
                throw refused(name, "a text or a list of texts");
            }
        }
        return strings;
    }

    private CheckpointException refused(String name, String wanted) {
        return new CheckpointException(from, name + " is " + fields.get(name) + ", but must be " + wanted,
                "Correct the file");
    }
}
