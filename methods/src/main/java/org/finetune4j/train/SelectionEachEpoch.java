package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.EncodedCache;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Example;
import org.finetune4j.data.ReadData;
import org.finetune4j.data.Sample;
import org.jspecify.annotations.Nullable;

/**
 * What a job's selectors choose at the start of each pass. The choice lies in the run's folder, for the weights that made it are
 * gone; the state has its hash.
 */
final class SelectionEachEpoch implements EpochChoice {
    private static final Pattern STATE = Pattern.compile("(\\d{1,9}) ([0-9a-f]{64})");

    private final PolicyAsked policy;
    private final List<Sample> pool;
    private final @Nullable EncodedCache kept;
    private int epoch = -1;
    private String hash = "";
    private List<Example> chosen = List.of();

    /**
     * A choice among these samples.
     *
     * @param pool   what selectors before the training left
     * @param folder where choices are kept, or null for a run without a folder
     */
    SelectionEachEpoch(PolicyAsked policy, List<Sample> pool, @Nullable Path folder) {
        this.policy = policy;
        this.pool = pool;
        kept = folder == null ? null : new EncodedCache(folder.resolve("passes"));
    }

    @Override
    public List<Example> examples(int pass) {
        if (pass != epoch) {
            EncodedSamples encoded = policy.encoder().encode(policy.select(policy.job().epochSelectors(), pool));
            if (encoded.examples().isEmpty()) {
                throw new FinetuneException("select: all that was chosen for pass " + (pass + 1) + " is longer than "
                        + policy.preparation().limit().tokens() + " tokens. Raise train.maxLength, or choose another tooLong.");
            }
            chosen = encoded.examples();
            epoch = pass;
            if (kept != null) {
                hash = encoded.hash();
                kept.write(hash, new ReadData(chosen.size(), List.of(), new long[0], encoded));
            }
        }
        return chosen;
    }

    @Override
    public String name() {
        return "select in each pass";
    }

    @Override
    public String save() {
        return epoch + " " + hash;
    }

    @Override
    public void restore(String text) {
        Matcher state = STATE.matcher(text);
        ReadData found = kept == null || !state.matches() ? null : kept.read(state.group(2));
        if (found == null || !found.encoded().hash().equals(state.group(2))) {
            throw new FinetuneException("the state of '" + name() + "' is damaged, or what was chosen for the pass is not in "
                    + (kept == null ? "the run's folder" : kept.folder()) + " any more. Choose another run folder.");
        }
        epoch = Integer.parseInt(state.group(1));
        hash = state.group(2);
        chosen = found.encoded().examples();
    }
}
