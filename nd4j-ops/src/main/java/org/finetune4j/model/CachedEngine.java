package org.finetune4j.model;

import org.finetune4j.kernel.HeldWeights;

/** An engine with a cache of keys and values: what it takes, whatever it is asked for. */
public interface CachedEngine extends AutoCloseable {
    /** Bytes that one place of one text takes in the cache. */
    long bytesPerPlace();

    /** Bytes of the cache. */
    long cacheBytes();

    /** Bytes of intermediate arrays as they are held now. */
    long arenaBytes();

    /**
     * Lets the device keep copies of the weights in a layout that it reads faster, so that steps of few tokens get
     * faster, for as much memory again as the weights take; without that memory it keeps none.
     *
     * @return to be closed before a weight changes
     */
    HeldWeights holdWeights();

    @Override
    void close();
}
