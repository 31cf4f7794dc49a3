package org.finetune4j.kernel;

import org.finetune4j.kernel.nd4j.Nd4jKernels;

/** The portable kernels in each precision against themselves in double. */
class Nd4jKernelContractTest extends KernelContract {
    Nd4jKernelContractTest() {
        super(Nd4jKernels::new, Precision.values());
    }
}
