package org.finetune4j.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.family.Architecture;
import org.finetune4j.model.family.RotaryScaling;

/**
 * Parts texts that are generated side by side where their lengths ask for different rotary frequencies, which all tokens of
 * a pass share: so that every text gets the numbers that it gets alone.
 */
final class LengthRegimes {
    private final List<RotaryScaling> scalings;

    LengthRegimes(Architecture architecture) {
        scalings = architecture.scalingsByLength();
    }

    /** Whether texts of these lengths have the same frequencies. */
    boolean alike(int length, int other) {
        return scalings.stream().allMatch(scaling -> scaling.regime(length) == scaling.regime(other));
    }

    /**
     * Those that may share a pass, in lists; a single list in most families.
     *
     * @param lengths tokens of each slot before
     * @throws FinetuneException when a text grows past the length at which the keys in its cache stop fitting
     */
    Collection<List<Feed>> parts(List<Feed> feeds, int[] lengths) {
        if (scalings.isEmpty()) {
            return List.of(feeds);
        }
        Map<List<Integer>, List<Feed>> parts = new LinkedHashMap<>();
        for (Feed feed : feeds) {
            int before = feed.slot() < lengths.length ? lengths[feed.slot()] : 0;
            int after = before + feed.count();
            for (RotaryScaling scaling : scalings) {
                if (before > 0 && !scaling.growsWithItsCache() && scaling.regime(before) != scaling.regime(after)) {
                    throw new FinetuneException("text " + feed.slot() + " grows from " + before + " to " + after + " tokens, "
                            + "past the length at which this model's longrope positions change, and the keys in the cache do "
                            + "not fit any more. Keep prompt and continuation within that length, or give a prompt beyond it "
                            + "in one pass.");
                }
            }
            parts.computeIfAbsent(scalings.stream().map(scaling -> scaling.regime(after)).toList(),
                    key -> new ArrayList<>()).add(feed);
        }
        return parts.values();
    }
}
