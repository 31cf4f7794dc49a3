package org.finetune4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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

    /**
     * Encodes samples, on all processors; the order is kept.
     *
     * @throws FinetuneException when a sample is too long under {@link TooLong#ERROR}, has no supervised token, or
     *                           nothing is left; the message counts the samples and names the first of them
     */
    public EncodedSamples encode(List<Sample> samples) {
        List<Example> examples = new ArrayList<>(samples.size());
        List<String> longer = new ArrayList<>();
        List<String> unsupervised = new ArrayList<>();
        int longest = 0;
        // Templates and tokenizers take their time, and samples know nothing of each other.
        List<Example> encoded = samples.parallelStream().map(encoding::encode).toList();
        for (int i = 0; i < encoded.size(); i++) {
            Sample sample = samples.get(i);
            Example example = encoded.get(i);
            boolean cut = example.ids().length > maxLength;
            if (cut) {
                longer.add(sample.id());
                longest = Math.max(longest, example.ids().length);
                if (tooLong != TooLong.KEEP_START) {
                    continue;
                }
                example = new Example(example.id(), Arrays.copyOf(example.ids(), maxLength),
                        Arrays.copyOf(example.supervised(), maxLength));
            }
            if (example.supervisedTokens() == 0) {
                unsupervised.add(sample.id() + (cut ? " (its response lies beyond token " + maxLength + ")" : ""));
            } else {
                examples.add(example);
            }
        }
        refuse(samples.size(), longer, longest, unsupervised);
        if (examples.isEmpty()) {
            throw new FinetuneException("no sample is left of " + samples.size() + ": " + longer.size()
                    + " are longer than " + limit.description() + " (the longest has " + longest + " tokens). "
                    + limit.raise() + "shorten the data, or choose tooLong = KEEP_START (cut their ends).");
        }
        boolean keep = tooLong == TooLong.KEEP_START;
        return new EncodedSamples(examples, keep ? 0 : longer.size(), keep ? longer.size() : 0);
    }

    private void refuse(int total, List<String> longer, int longest, List<String> unsupervised) {
        if (tooLong == TooLong.ERROR && !longer.isEmpty()) {
            throw new FinetuneException(longer.size() + " of " + total + " samples are longer than "
                    + limit.description() + ": " + some(longer) + "; the longest has " + longest + " tokens. "
                    + limit.raise() + "shorten them, or choose tooLong = DROP (leave them out) or KEEP_START (cut their "
                    + "ends).");
        }
        if (!unsupervised.isEmpty()) {
            throw new FinetuneException(unsupervised.size() + " of " + total + " samples have no token to learn: "
                    + some(unsupervised) + ". Check that they have a response and that the chat template marks the "
                    + "assistant's turns; of samples that were cut, " + (limit.isContext() ? "shorten the prompt"
                    : "raise maxLength") + " or choose tooLong = DROP.");
        }
    }

    private static String some(List<String> ids) {
        return String.join(", ", ids.subList(0, Math.min(NAMED, ids.size())))
                + (ids.size() > NAMED ? ", and " + (ids.size() - NAMED) + " more" : "");
    }
}
