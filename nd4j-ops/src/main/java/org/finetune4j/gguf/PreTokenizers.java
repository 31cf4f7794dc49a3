package org.finetune4j.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.checkpoint.CheckpointException;

/**
 * The names by which llama.cpp knows how a byte-level tokenizer cuts a text into words.
 *
 * <p>llama.cpp has each cut built in under a name, and an unknown name or a wrong one gives other tokens without any error;
 * so a cut that is not recognised is refused.
 */
final class PreTokenizers {
    /** The cut of GPT-4 and Llama 3, with up to three digits together. */
    private static final String THREE_DIGITS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    /** The same with every digit alone, of Qwen 2 and later. */
    private static final String ONE_DIGIT = THREE_DIGITS.replace("\\p{N}{1,3}", "\\p{N}");

    private PreTokenizers() {
    }

    /**
     * The name.
     *
     * @param root the content of tokenizer.json
     * @param file named in messages
     */
    static String name(JsonNode root, Path file) {
        List<JsonNode> parts = new ArrayList<>();
        JsonNode own = root.path("pre_tokenizer");
        if (own.path("type").asText().equals("Sequence")) {
            own.path("pretokenizers").forEach(parts::add);
        } else {
            parts.add(own);
        }
        JsonNode last = parts.isEmpty() ? own : parts.get(parts.size() - 1);
        boolean bytes = last.path("type").asText().equals("ByteLevel") && !last.path("add_prefix_space").asBoolean();
        boolean cutsItself = last.path("use_regex").asBoolean(true);
        JsonNode first = parts.isEmpty() ? own : parts.get(0);
        String pattern = first.path("pattern").path("Regex").asText();
        boolean normalized = !root.path("normalizer").isNull() && !root.path("normalizer").isMissingNode();
        if (bytes && parts.size() == 1 && cutsItself && !normalized) {
            return "gpt-2";
        }
        if (bytes && parts.size() == 2 && cutsItself && first.path("type").asText().equals("Digits")
                && first.path("individual_digits").asBoolean() && !normalized) {
            return "smollm";
        }
        boolean isolated = first.path("type").asText().equals("Split")
                && first.path("behavior").asText().equals("Isolated") && !first.path("invert").asBoolean();
        if (bytes && parts.size() == 2 && !cutsItself && isolated) {
            if (pattern.equals(THREE_DIGITS) && !normalized) {
                return root.path("model").path("ignore_merges").asBoolean() ? "llama-bpe" : "dbrx";
            }
            // Qwen's tokenizers compose characters first (NFC), and so does llama.cpp under this name.
            if (pattern.equals(ONE_DIGIT)) {
                return "qwen2";
            }
        }
        throw new CheckpointException(file, "its pre_tokenizer is none that this library knows llama.cpp's name for: "
                + own, "Convert the saved folder with llama.cpp's convert_hf_to_gguf.py");
    }
}
