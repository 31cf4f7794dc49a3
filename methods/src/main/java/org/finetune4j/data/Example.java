package org.finetune4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One encoded sample. It owns its arrays, which are not copied: nobody may change them.
 *
 * @param id         the sample's name
 * @param ids        its tokens {@code [tokens]}
 * @param supervised which tokens are to be learned {@code [tokens]}; the first never counts, for nothing predicts it
 * @param columns    numbers that the objective wants for each token {@code [tokens]}, by name
 * @param companions other sequences of the same sample, which stay in one batch with it, such as rejected responses; they
 *                   have none of their own
 */
public record Example(String id, int[] ids, boolean[] supervised, Map<String, float[]> columns,
                      List<Example> companions) {
    /** Refuses arrays of different lengths. */
    public Example {
        if (ids.length != supervised.length) {
            throw new IllegalArgumentException(id + ": " + ids.length + " ids and " + supervised.length + " marks");
        }
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
        companions = List.copyOf(companions);
        columns.forEach((name, values) -> {
            if (values.length != ids.length) {
                throw new IllegalArgumentException(id + ": " + ids.length + " ids and " + values.length + " numbers '"
                        + name + "'");
            }
        });
        if (companions.stream().anyMatch(companion -> !companion.companions().isEmpty())) {
            throw new IllegalArgumentException(id + ": a companion has companions");
        }
    }

    /** A sample of one sequence with nothing beside. */
    public Example(String id, int[] ids, boolean[] supervised) {
        this(id, ids, supervised, Map.of(), List.of());
    }

    /** The same with one more column. */
    public Example withColumn(String name, float[] values) {
        Map<String, float[]> all = new LinkedHashMap<>(columns);
        all.put(name, values);
        return new Example(id, ids, supervised, all, companions);
    }

    /** The same with one more column that has one number for all tokens. */
    public Example withColumn(String name, double value) {
        float[] values = new float[ids.length];
        Arrays.fill(values, (float) value);
        return withColumn(name, values);
    }

    /** The same with these companions. */
    public Example withCompanions(List<Example> others) {
        return new Example(id, ids, supervised, columns, others);
    }

    /** This sequence and its companions, in order. */
    public List<Example> sequences() {
        return companions.isEmpty() ? List.of(this) : Stream.concat(Stream.of(this), companions.stream()).toList();
    }

    /** {@link #inputTokens()} of this sequence and its companions. */
    public int packedTokens() {
        return sequences().stream().mapToInt(Example::inputTokens).sum();
    }

    /** Tokens that are predicted and learned. */
    public int supervisedTokens() {
        int count = 0;
        for (int i = 1; i < supervised.length; i++) {
            count += supervised[i] ? 1 : 0;
        }
        return count;
    }

    /**
     * What is left of a sample that is longer than {@code most} tokens, which are at least 2.
     *
     * @param how a policy that keeps something
     */
    List<Example> shortened(int most, TooLong how) {
        return switch (how) {
            case KEEP_START -> List.of(part(id, 0, most));
            case KEEP_END -> List.of(part(id, ids.length - most, ids.length));
            case SPLIT -> pieces(most);
            case ERROR, DROP -> throw new IllegalArgumentException(how + " keeps nothing");
        };
    }

    /** Each begins with the last token of the one before, so that its own first token has one to be predicted from. */
    private List<Example> pieces(int most) {
        List<Example> pieces = new ArrayList<>();
        for (int from = 0; from == 0 || from < ids.length - 1; from += most - 1) {
            pieces.add(part(id + "#" + (pieces.size() + 1), from, Math.min(ids.length, from + most)));
        }
        return pieces;
    }

    private Example part(String name, int from, int to) {
        Map<String, float[]> cut = new LinkedHashMap<>();
        columns.forEach((column, values) -> cut.put(column, Arrays.copyOfRange(values, from, to)));
        return new Example(name, Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(supervised, from, to), cut, companions);
    }

    /**
     * Tokens that must be fed to the model: all before the last supervised one. Attention is causal, so that what
     * follows has no effect on any loss.
     */
    public int inputTokens() {
        for (int i = supervised.length - 1; i > 0; i--) {
            if (supervised[i]) {
                return i;
            }
        }
        return 0;
    }
}
