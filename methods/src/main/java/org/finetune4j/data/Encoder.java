package org.finetune4j.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.finetune4j.FinetuneException;

/** Encodes samples and holds them to the rules of training: not too long, and something to learn in each. */
public final class Encoder {
    private static final int NAMED = 5;

    private final SampleEncoding encoding;
    private final LengthLimit limit;
    private final int maxLength;
    private final TooLong tooLong;

    /** An encoder for sequences of at most {@code maxLength} tokens, which is at least 2. */
    public Encoder(SampleEncoding encoding, int maxLength, TooLong tooLong) {
        this(encoding, new LengthLimit(maxLength, false), tooLong);
    }

    /** An encoder for sequences of at most {@code limit} tokens, which are at least 2. */
    public Encoder(SampleEncoding encoding, LengthLimit limit, TooLong tooLong) {
        this.limit = limit;
        this.maxLength = limit.tokens();
        if (maxLength < 2) {
            throw new FinetuneException("maxLength is " + maxLength + ", but a token to predict needs one before it. "
                    + "Give at least 2.");
        }
        this.encoding = encoding;
        this.tooLong = tooLong;
    }

    /** The most tokens that a sample may have. */
    public int maxLength() {
        return maxLength;
    }

    /**
     * Encodes samples, on all processors; the order is kept.
     *
     * @throws FinetuneException when a sample is too long under {@link TooLong#ERROR}, has no supervised token, or
     *                           nothing is left; the message counts the samples and names the first of them
     */
    public EncodedSamples encode(List<Sample> samples) {
        Pass pass = begin();
        pass.add(samples);
        return pass.finish();
    }

    /** One sample encoded, or nothing where it is too long or has no token to learn. */
    public Optional<Example> encodeOne(Sample sample) {
        Example example = encoding.encode(sample);
        return example.ids().length > maxLength || example.supervisedTokens() == 0 ? Optional.empty() : Optional.of(example);
    }

    /** Begins to encode samples that come part by part, so that not all of their texts are in memory at once. */
    public Pass begin() {
        return new Pass();
    }

    /** Samples being encoded; it is used by one thread. */
    public final class Pass {
        private final List<Example> examples = new ArrayList<>();
        private final List<String> longer = new ArrayList<>();
        private final List<String> unsupervised = new ArrayList<>();
        private int[] lengths = new int[1024];
        private int total;
        private int longest;
        private String longestId = "";
        private int longerCount;
        private int unsupervisedCount;

        private Pass() {
        }

        /** Encodes more samples, on all processors. */
        public void add(List<Sample> samples) {
            // Templates and tokenizers take their time, and samples know nothing of each other.
            samples.parallelStream().map(encoding::encode).toList().forEach(this::add);
        }

        private void add(Example example) {
            int length = example.ids().length;
            if (total == lengths.length) {
                lengths = java.util.Arrays.copyOf(lengths, 2 * total);
            }
            lengths[total++] = length;
            if (length > longest) {
                longest = length;
                longestId = example.id();
            }
            boolean cut = length > maxLength;
            if (cut && longerCount++ < NAMED) {
                longer.add(example.id());
            }
            if (cut && (tooLong == TooLong.ERROR || tooLong == TooLong.DROP)) {
                return;
            }
            List<Example> kept = cut ? example.shortened(maxLength, tooLong) : List.of(example);
            if (kept.stream().noneMatch(piece -> piece.supervisedTokens() > 0)) {
                if (unsupervisedCount++ < NAMED) {
                    unsupervised.add(example.id() + (cut && example.supervisedTokens() > 0 ? lost() : ""));
                }
            } else {
                kept.stream().filter(piece -> piece.supervisedTokens() > 0).forEach(examples::add);
            }
        }

        private String lost() {
            return tooLong == TooLong.KEEP_END ? " (its response lies before the last " + maxLength + " tokens)"
                    : " (its response lies beyond token " + maxLength + ")";
        }

        /**
         * All that was added.
         *
         * @throws FinetuneException when a sample is refused, or nothing is left
         */
        public EncodedSamples finish() {
            refuse();
            if (examples.isEmpty()) {
                throw new FinetuneException("no sample is left of " + total + ": " + longerCount + " are longer than "
                        + limit.description() + " (the longest has " + longest + " tokens). " + limit.raise()
                        + "shorten the data, or choose tooLong = KEEP_START (cut their ends).");
            }
            boolean drops = tooLong == TooLong.DROP;
            return new EncodedSamples(examples, drops ? longerCount : 0, drops ? 0 : longerCount,
                    LengthStatistics.of(java.util.Arrays.copyOf(lengths, total), longestId));
        }

        private void refuse() {
            if (tooLong == TooLong.ERROR && longerCount > 0) {
                throw new FinetuneException(longerCount + " of " + total + " samples are longer than "
                        + limit.description() + ": " + some(longer, longerCount) + "; the longest has " + longest
                        + " tokens. " + limit.raise() + "shorten them, or choose tooLong = DROP (leave them out), "
                        + "KEEP_START (cut their ends), KEEP_END (cut their beginnings) or SPLIT (cut them into pieces).");
            }
            if (unsupervisedCount > 0) {
                throw new FinetuneException(unsupervisedCount + " of " + total + " samples have no token to learn: "
                        + some(unsupervised, unsupervisedCount) + ". Check that they have a response and that the "
                        + "chat template marks the assistant's turns; of samples that were cut, " + (limit.isContext()
                        ? "shorten the prompt" : "raise maxLength") + " or choose tooLong = DROP.");
            }
        }

        private String some(List<String> ids, int count) {
            return String.join(", ", ids) + (count > ids.size() ? ", and " + (count - ids.size()) + " more" : "");
        }
    }
}
