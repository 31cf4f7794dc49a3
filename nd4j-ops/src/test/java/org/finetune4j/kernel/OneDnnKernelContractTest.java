package org.finetune4j.kernel;

import org.finetune4j.kernel.onednn.OneDnnKernels;

/** The processor's kernels in f32 and bf16 against the portable ones in double. */
class OneDnnKernelContractTest extends KernelContract {
    OneDnnKernelContractTest() {
        super(OneDnnKernels::new, Precision.FLOAT, Precision.BFLOAT16);
    }
}
