package org.finetune4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.finetune4j.checkpoint.StrictJson;

/**
 * The tokens at which generation stops.
 *
 * @param reasons for each id the token and who names it, such as {@code <|im_end|> (end of a turn in the chat
 *     template)}
 */
public record StopTokens(Map<Integer, String> reasons) {
    private static final String GENERATION_NAME = "generation_config.json";
    private static final long MAXIMUM_BYTES = 1_000_000;

    /** Keeps an immutable copy, in its order. */
    public StopTokens {
        reasons = Collections.unmodifiableMap(new LinkedHashMap<>(reasons));
    }

    /** Returns the ids. */
    public Set<Integer> ids() {
        return reasons.keySet();
    }

    /** Says the stop tokens in use in one line. */
    @Override
    public String toString() {
        return "stop tokens in use: " + (reasons.isEmpty() ? "none" : reasons.entrySet().stream()
            .map(entry -> entry.getValue() + " = " + entry.getKey()).collect(Collectors.joining(", ")));
    }

    /**
     * Collects what the template, the tokenizer and {@code generation_config.json} beside it name.
     *
     * @throws TokenizerException if the file names an id that the tokenizer does not have
     */
    static StopTokens of(Tokenizer tokenizer, int endOfTurn) {
        Map<Integer, String> reasons = new LinkedHashMap<>();
        reasons.put(endOfTurn, tokenizer.decode(new int[] {endOfTurn}, false) + " (end of a turn in the chat template)");
        tokenizer.endTokenId().ifPresent(id ->
            reasons.merge(id, tokenizer.endToken() + " (the tokenizer's end)", (first, second) -> first));
        Path file = tokenizer.folder().resolve(GENERATION_NAME);
        JsonNode ends = Files.isRegularFile(file) ? StrictJson.readObject(file, MAXIMUM_BYTES).path("eos_token_id")
            : StrictJson.mapper().missingNode();
        for (JsonNode end : ends.isArray() ? ends : List.of(ends)) {
            if (end.isMissingNode() || end.isNull()) {
                continue;
            }
            if (!end.canConvertToInt() || end.intValue() < 0 || end.intValue() >= tokenizer.vocabularySize()) {
                throw new TokenizerException(file + ": eos_token_id names " + end + ", but the tokenizer has the ids 0 to "
                    + (tokenizer.vocabularySize() - 1) + ". Take both files from the same model.");
            }
            int id = end.intValue();
            reasons.computeIfAbsent(id, any -> tokenizer.decode(new int[] {id}, false) + " (" + GENERATION_NAME + ")");
        }
        return new StopTokens(reasons);
    }
}
