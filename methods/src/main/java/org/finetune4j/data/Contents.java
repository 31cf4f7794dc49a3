package org.finetune4j.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.ToolCall;
import org.jspecify.annotations.Nullable;

/** What a row says, apart from its name and where it came from, so that equal examples can be found. */
public final class Contents {
    private final MessageDigest digest = Hashes.sha256();
    private final UnaryOperator<String> normal;
    private final boolean exact;

    private Contents(UnaryOperator<String> normal, boolean exact) {
        this.normal = normal;
        this.exact = exact;
    }

    /** A text as it is compared: compatible characters made alike (NFKC), in lower case, white space collapsed. */
    public static String normalised(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFKC).toLowerCase(Locale.ROOT).strip()
                .replaceAll("\\s+", " ");
    }

    /** The first 16 bytes of SHA-256 over everything that a row says, as two numbers. */
    public static Hash hash(Row row) {
        return new Contents(UnaryOperator.identity(), true).row(row).result();
    }

    /** The same over texts that are {@link #normalised}, whether a turn gives its text whole or in parts. */
    public static Hash normalisedHash(Row row) {
        return new Contents(Contents::normalised, false).row(row).result();
    }

    /**
     * The hash of what is asked first, normalised: of the turns up to and with the user's first one, so that the same
     * conversation has one hash however far it goes; of a plain document, of all of it.
     */
    public static Hash promptHash(Row row) {
        Contents contents = new Contents(Contents::normalised, false);
        return row instanceof Sample sample && sample.isDocument() ? contents.row(row).result()
                : contents.turns(opening(row.prompt())).result();
    }

    private static List<Message> opening(List<Message> turns) {
        for (int i = 0; i < turns.size(); i++) {
            if (turns.get(i).role().equals("user")) {
                return turns.subList(0, i + 1);
            }
        }
        return turns;
    }

    /** Everything that a row says, as one text. */
    public static String text(Row row) {
        Stream<String> learned = Stream.empty();
        if (row instanceof Sample sample) {
            learned = sample.isDocument() ? Stream.of(sample.fields().getOrDefault(Sample.DOCUMENT, ""))
                    : Stream.concat(Stream.ofNullable(sample.response()),
                            sample.candidates().stream().map(Sample.Candidate::text));
        } else if (row instanceof PreferencePair pair) {
            learned = Stream.concat(pair.chosen().stream(), pair.rejected().stream()).map(Message::text);
        } else if (row instanceof LabelledResponse labelled) {
            learned = labelled.completion().stream().map(Message::text);
        }
        return Stream.concat(row.prompt().stream().map(Message::text), learned).collect(Collectors.joining("\n"));
    }

    private Contents row(Row row) {
        put(row.getClass().getSimpleName());
        if (row instanceof Sample sample) {
            turns(sample.messages());
            sample.conversation().tools().forEach(tool -> put(tool.text()));
            sample.candidates().forEach(candidate -> put(candidate.text()));
            put(sample.answer());
            if (sample.isDocument()) {
                put(sample.fields().get(Sample.DOCUMENT));
            }
        } else if (row instanceof PreferencePair pair) {
            turns(pair.prompt());
            pair.conversation().tools().forEach(tool -> put(tool.text()));
            turns(pair.chosen());
            turns(pair.rejected());
            put(String.valueOf(pair.margin()));
        } else if (row instanceof LabelledResponse labelled) {
            turns(labelled.prompt());
            labelled.conversation().tools().forEach(tool -> put(tool.text()));
            turns(labelled.completion());
            put(String.valueOf(labelled.desirable()));
        }
        return this;
    }

    private Contents turns(List<Message> turns) {
        number(turns.size());
        for (Message turn : turns) {
            put(turn.role());
            put(turn.content());
            if (exact) {
                number(turn.parts().size());
                turn.parts().forEach(this::put);
            }
            put(turn.reasoning());
            number(turn.toolCalls().size());
            for (ToolCall call : turn.toolCalls()) {
                put(call.name());
                put(call.arguments().text());
                put(call.id());
            }
            put(turn.toolCallId());
            put(turn.name());
        }
        return this;
    }

    /** Lengths go before texts, so that no two lists of texts look alike. */
    private void put(@Nullable String text) {
        if (text == null) {
            number(-1);
            return;
        }
        byte[] bytes = normal.apply(text).getBytes(StandardCharsets.UTF_8);
        number(bytes.length);
        digest.update(bytes);
    }

    private void number(int value) {
        digest.update(ByteBuffer.allocate(4).putInt(value).array());
    }

    private Hash result() {
        ByteBuffer bytes = ByteBuffer.wrap(digest.digest());
        return new Hash(bytes.getLong(), bytes.getLong());
    }

    /**
     * A hash of 128 bits.
     *
     * @param high its first half
     * @param low  its second half
     */
    public record Hash(long high, long low) {
        @Override
        public String toString() {
            return "%016x%016x".formatted(high, low);
        }
    }
}
