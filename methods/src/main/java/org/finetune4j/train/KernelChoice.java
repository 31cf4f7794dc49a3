package org.finetune4j.train;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.Precision;

/** The kernels that a job may name. */
final class KernelChoice {
    private static final Map<String, Supplier<Kernels>> KNOWN = new TreeMap<>(Map.of("nd4j", Nd4jKernels::new,
            "onednn", OneDnnKernels::new));

    private KernelChoice() {
    }

    /**
     * New kernels of this name.
     *
     * @throws FinetuneException when there are none
     */
    static Kernels named(String name) {
        Supplier<Kernels> known = KNOWN.get(name);
        if (known == null) {
            throw new FinetuneException("there are no kernels '" + name + "'; there are " + KNOWN.keySet()
                    + ". Choose one of them.");
        }
        return known.get();
    }

    /**
     * Refuses a precision in which these kernels do not compute.
     *
     * @throws FinetuneException that names both
     */
    static void require(Kernels kernels, Precision precision) {
        if (!kernels.supports(precision.type())) {
            throw new FinetuneException("the kernels '" + kernels.name() + "' do not support precision " + precision
                    + ". Choose another precision or other kernels.");
        }
    }
}
