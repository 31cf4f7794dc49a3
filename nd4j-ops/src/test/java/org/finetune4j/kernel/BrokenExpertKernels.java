package org.finetune4j.kernel;

import java.util.List;
import org.finetune4j.kernel.BrokenKernels.Mistake;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Mistakes that people make in mixtures of experts. */
final class BrokenExpertKernels {
    private BrokenExpertKernels() {
    }

    static void addTo(List<Mistake> mistakes) {
        choose(mistakes);
        chooseGradient(mistakes);
        combine(mistakes);
    }

    private static void choose(List<Mistake> mistakes) {
        mistakes.add(new Mistake("chooseExperts", "drops the normalisation", right -> new DelegatingKernels(right) {
            @Override
            public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
                right.chooseExperts(logits, false, chosen, weights);
            }
        }));
        mistakes.add(new Mistake("chooseExperts", "always normalises", right -> new DelegatingKernels(right) {
            @Override
            public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
                right.chooseExperts(logits, true, chosen, weights);
            }
        }));
        mistakes.add(new Mistake("chooseExperts", "takes the smallest", right -> new DelegatingKernels(right) {
            @Override
            public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
                right.chooseExperts(logits.isEmpty() ? logits : logits.neg(), normalize, chosen, weights);
            }
        }));
        mistakes.add(new Mistake("chooseExperts", "takes the last of equal ones", right -> new DelegatingKernels(right) {
            @Override
            public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
                right.chooseExperts(logits, normalize, chosen, weights);
                if (!logits.isEmpty()) {
                    // Above all, by less than what lies between two different logits.
                    INDArray rising = Nd4j.arange(logits.size(1)).castTo(DataType.DOUBLE).mul(1e-3)
                            .reshape(1, logits.size(1));
                    INDArray tilted = logits.castTo(DataType.DOUBLE).addRowVector(rising);
                    right.chooseExperts(tilted, normalize, chosen, weights.castTo(DataType.DOUBLE));
                }
            }
        }));
    }

    private static void chooseGradient(List<Mistake> mistakes) {
        mistakes.add(new Mistake("chooseExpertsGradient", "drops the normalisation", right -> new DelegatingKernels(right) {
            @Override
            public void chooseExpertsGradient(INDArray logits, boolean normalize, INDArray chosen,
                                              INDArray weightGradient, INDArray logitsGradient) {
                right.chooseExpertsGradient(logits, false, chosen, weightGradient, logitsGradient);
            }
        }));
        mistakes.add(new Mistake("chooseExpertsGradient", "forgets those not chosen", right -> new DelegatingKernels(right) {
            @Override
            public void chooseExpertsGradient(INDArray logits, boolean normalize, INDArray chosen,
                                              INDArray weightGradient, INDArray logitsGradient) {
                right.chooseExpertsGradient(logits, normalize, chosen, weightGradient, logitsGradient);
                if (logits.isEmpty()) {
                    return;
                }
                int perToken = (int) weightGradient.size(1);
                INDArray kept = Nd4j.create(DataType.FLOAT, logits.shape());
                for (int i = 0; i < chosen.length(); i++) {
                    kept.putScalar(i / perToken, chosen.getInt(i), 1);
                }
                logitsGradient.assign(logitsGradient.castTo(DataType.FLOAT).mul(kept));
            }
        }));
    }

    private static void combine(List<Mistake> mistakes) {
        mistakes.add(new Mistake("combineRows", "forgets the weights", right -> new DelegatingKernels(right) {
            @Override
            public void combineRows(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
                right.combineRows(y, places, null, out);
            }
        }));
        mistakes.add(new Mistake("combineRows", "takes rows as they lie", right -> new DelegatingKernels(right) {
            @Override
            public void combineRows(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
                right.combineRows(y, inOrder(places), weights, out);
            }
        }));
        mistakes.add(new Mistake("combineRowsGradient", "forgets the weights", right -> new DelegatingKernels(right) {
            @Override
            public void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                            @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
                right.combineRowsGradient(y, places, Nd4j.onesLike(weights), outGradient, yGradient, weightGradient);
            }
        }));
        mistakes.add(new Mistake("combineRowsGradient", "gives to rows as they lie", right -> new DelegatingKernels(right) {
            @Override
            public void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                            @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
                right.combineRowsGradient(y, inOrder(places), weights, outGradient, yGradient, weightGradient);
            }
        }));
        mistakes.add(new Mistake("combineRowsGradient", "forgets the router", right -> new DelegatingKernels(right) {
            @Override
            public void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                            @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
                right.combineRowsGradient(y, places, weights, outGradient, yGradient, null);
                if (weightGradient != null && !weightGradient.isEmpty()) {
                    weightGradient.assign(0);
                }
            }
        }));
    }

    private static INDArray inOrder(INDArray places) {
        return places.isEmpty() ? places : Nd4j.arange(places.length()).castTo(DataType.INT);
    }
}
