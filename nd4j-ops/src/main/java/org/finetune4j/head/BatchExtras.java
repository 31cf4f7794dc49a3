package org.finetune4j.head;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What some objectives want of a batch beside its tokens. It owns its arrays, which are not copied.
 *
 * @param columns    a number for each supervised token {@code [supervised]}, by name
 * @param keys       a seed for each supervised token {@code [supervised]}, which does not depend on how a step is split into
 *                   batches; null where nothing is drawn
 * @param groups     which sequences belong to one sample; null where each is a sample of its own
 * @param drafts     for each token another one {@code [tokens]} whose embedding is blended into its own; null for none
 * @param draftShare how much of an embedding is the draft's, in [0, 1]; null for what the token loss says
 */
public record BatchExtras(Map<String, float[]> columns, int @Nullable [] keys, @Nullable Groups groups,
                          int @Nullable [] drafts, @Nullable Double draftShare) {
    /** Nothing beside the tokens. */
    public static final BatchExtras NONE = new BatchExtras(Map.of(), null, null);

    /** Keeps the columns in their order, and refuses a share out of range. */
    public BatchExtras {
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
        if (draftShare != null && !(draftShare >= 0 && draftShare <= 1)) {
            throw new IllegalArgumentException("the share of drafts must be in [0, 1], is " + draftShare);
        }
    }

    /** Without drafts. */
    public BatchExtras(Map<String, float[]> columns, int @Nullable [] keys, @Nullable Groups groups) {
        this(columns, keys, groups, null, null);
    }

    /** The same with drafts, of which the token loss says how much they count. */
    public BatchExtras withDrafts(int[] tokens) {
        return new BatchExtras(columns, keys, groups, tokens, null);
    }

    /** The same with drafts that count so much, in [0, 1]. */
    public BatchExtras withDrafts(int[] tokens, double share) {
        return new BatchExtras(columns, keys, groups, tokens, share);
    }

    /** The number of the sample of each supervised token, given the number of its sequence. */
    public int[] samples(int[] sequences) {
        if (groups == null) {
            return sequences;
        }
        int[] samples = new int[sequences.length];
        int sample = 0;
        for (int r = 0; r < samples.length; r++) {
            while (sequences[r] >= groups.starts()[sample + 1]) {
                sample++;
            }
            samples[r] = sample;
        }
        return samples;
    }

    /**
     * The samples of a batch, each of which has one or more neighbouring sequences.
     *
     * @param starts  where each sample begins among the sequences {@code [samples + 1]}; the first is 0
     * @param samples the samples' names
     */
    public record Groups(int[] starts, List<String> samples) {
        /** Refuses starts that do not ascend from 0, or are not one more than there are samples. */
        public Groups {
            samples = List.copyOf(samples);
            if (starts.length != samples.size() + 1 || starts[0] != 0) {
                throw new IllegalArgumentException(starts.length + " starts for " + samples.size() + " samples");
            }
            for (int g = 1; g < starts.length; g++) {
                if (starts[g] <= starts[g - 1]) {
                    throw new IllegalArgumentException("sample " + (g - 1) + " has no sequence");
                }
            }
        }
    }

    /** Refuses lengths other than those of a batch of this size with an {@link IllegalArgumentException}. */
    public void requireFits(int tokens, int sequences, int supervised) {
        columns.forEach((name, values) -> {
            if (values.length != supervised) {
                throw new IllegalArgumentException("column '" + name + "' has " + values.length + " numbers for "
                        + supervised + " supervised tokens");
            }
        });
        if (keys != null && keys.length != supervised || drafts != null && drafts.length != tokens
                || groups != null && groups.starts()[groups.samples().size()] != sequences) {
            throw new IllegalArgumentException("keys, drafts or groups do not fit " + supervised + " supervised tokens, "
                    + tokens + " tokens and " + sequences + " sequences");
        }
    }
}
