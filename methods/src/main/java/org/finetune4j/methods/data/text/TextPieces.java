package org.finetune4j.methods.data.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.tokenizer.TokenizedText;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Measures texts and cuts them: in tokens of a tokenizer or, without one, in words and signs. */
public final class TextPieces implements AutoCloseable {
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}_]+|[^\\p{L}\\p{N}_\\s]");

    private final @Nullable Tokenizer tokenizer;

    private TextPieces(@Nullable Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Pieces by the tokenizer in a folder.
     *
     * @param folder holds {@code tokenizer.json}; empty for words and signs
     * @throws org.finetune4j.FinetuneException when it cannot be read
     */
    public static TextPieces of(String folder) {
        return new TextPieces(folder.isEmpty() ? null : Tokenizer.load(Path.of(folder)));
    }

    /** What tells the pieces of one folder from those of another. */
    public static String fingerprint(String folder) {
        try (TextPieces pieces = of(folder)) {
            return pieces.tokenizer == null ? "words" : pieces.tokenizer.contentHash();
        }
    }

    /** How many pieces a text has. */
    public int count(String text) {
        return starts(text).size();
    }

    /** The text in consecutive chunks of so many pieces, the last one maybe shorter; joined, they are the text. */
    public List<String> chunks(String text, int size) {
        List<Integer> starts = starts(text);
        List<String> chunks = new ArrayList<>();
        int from = 0;
        for (int piece = size; piece < starts.size(); piece += size) {
            // Tokens of one character begin at one place, which is cut only once.
            if (starts.get(piece) > from) {
                chunks.add(text.substring(from, starts.get(piece)));
                from = starts.get(piece);
            }
        }
        if (from < text.length()) {
            chunks.add(text.substring(from));
        }
        return chunks;
    }

    /** Where the pieces begin, in characters. */
    private List<Integer> starts(String text) {
        List<Integer> starts = new ArrayList<>();
        if (tokenizer == null) {
            Matcher matcher = WORD.matcher(text);
            while (matcher.find()) {
                starts.add(matcher.start());
            }
            return starts;
        }
        TokenizedText encoded = tokenizer.encode(text, false);
        for (int[] span : encoded.spans()) {
            if (span[0] >= 0) {
                starts.add(span[0]);
            }
        }
        return starts;
    }

    @Override
    public void close() {
        if (tokenizer != null) {
            tokenizer.close();
        }
    }
}
