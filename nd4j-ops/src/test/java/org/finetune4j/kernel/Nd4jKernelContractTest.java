package org.finetune4j.kernel;

import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.Tag;

/** The portable kernels in each precision against themselves in double. */
@Tag("slow")
class Nd4jKernelContractTest extends KernelContract {
    Nd4jKernelContractTest() {
        super(Nd4jKernels::new, Precision.values());
    }
}
