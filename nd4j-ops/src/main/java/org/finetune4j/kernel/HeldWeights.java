package org.finetune4j.kernel;

/** Weights that nobody changes while this is open, of which a device may keep copies in a layout that it reads faster. */
public interface HeldWeights extends AutoCloseable {
    /** Nothing is kept. */
    HeldWeights NONE = new HeldWeights() {
        @Override
        public long bytes() {
            return 0;
        }

        @Override
        public void close() {
        }
    };

    /** Bytes of native memory that the copies take. */
    long bytes();

    /** Frees the copies; from then on the weights may change. */
    @Override
    void close();
}
