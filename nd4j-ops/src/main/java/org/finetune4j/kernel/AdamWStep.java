package org.finetune4j.kernel;

/**
 * The numbers of one AdamW update.
 *
 * @param learningRate  the rate of this step, at least 0
 * @param beta1         decay of the first moment, in [0, 1)
 * @param beta2         decay of the second moment, in [0, 1)
 * @param epsilon       added to the root of the second moment, positive
 * @param weightDecay   decoupled decay, at least 0
 * @param step          1 for the first update
 * @param gradientScale factor on the gradient, such as the one that clips its norm
 */
public record AdamWStep(double learningRate, double beta1, double beta2, double epsilon, double weightDecay, long step,
                        double gradientScale) {
}
