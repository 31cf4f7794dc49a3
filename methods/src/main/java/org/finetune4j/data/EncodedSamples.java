package org.finetune4j.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.finetune4j.checkpoint.Hashes;

/**
 * Samples ready for training.
 *
 * @param examples the samples, in the order of the data
 * @param dropped  how many were left out for their length
 * @param cut      how many lost a part or were cut into pieces for their length
 * @param lengths  how long the samples were before
 */
public record EncodedSamples(List<Example> examples, int dropped, int cut, LengthStatistics lengths) {
    /** Keeps an immutable copy. */
    public EncodedSamples {
        examples = List.copyOf(examples);
    }

    /** Samples that are as long as they were. */
    public EncodedSamples(List<Example> examples, int dropped, int cut) {
        this(examples, dropped, cut, LengthStatistics.of(examples));
    }

    /** Tokens of all samples. */
    public long tokens() {
        return examples.stream().mapToLong(example -> example.ids().length).sum();
    }

    /** Supervised tokens of all samples. */
    public long supervisedTokens() {
        return examples.stream().mapToLong(Example::supervisedTokens).sum();
    }

    /** SHA-256 over names, tokens, marks and columns: it tells whether a resumed run sees the data it began with. */
    public String hash() {
        MessageDigest digest = Hashes.sha256();
        examples.forEach(example -> example.sequences().forEach(sequence -> update(digest, sequence)));
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void update(MessageDigest digest, Example example) {
        byte[] name = example.id().getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + name.length + 5 * example.ids().length);
        bytes.putInt(name.length).put(name).putInt(example.ids().length);
        for (int i = 0; i < example.ids().length; i++) {
            bytes.putInt(example.ids()[i]).put((byte) (example.supervised()[i] ? 1 : 0));
        }
        digest.update(bytes.array());
        example.columns().forEach((column, values) -> {
            digest.update(column.getBytes(StandardCharsets.UTF_8));
            ByteBuffer numbers = ByteBuffer.allocate(Float.BYTES * values.length);
            numbers.asFloatBuffer().put(values);
            digest.update(numbers.array());
        });
    }
}
