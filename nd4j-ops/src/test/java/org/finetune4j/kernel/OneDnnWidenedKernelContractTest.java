package org.finetune4j.kernel;

import org.finetune4j.kernel.onednn.OneDnnKernels;

/** The processor's kernels in bf16 as they are where it has no instructions for that, against the portable ones. */
class OneDnnWidenedKernelContractTest extends KernelContract {
    OneDnnWidenedKernelContractTest() {
        super(() -> OneDnnKernels.withoutBfloat16Instructions(2), Precision.BFLOAT16);
    }
}
