package org.finetune4j.train;

/** The bigram engine as it is, for variants to override. */
class DelegatingEngine extends DelegatingGradientEngine {
    final BigramEngine sound;

    DelegatingEngine(BigramEngine sound) {
        super(sound);
        this.sound = sound;
    }
}
