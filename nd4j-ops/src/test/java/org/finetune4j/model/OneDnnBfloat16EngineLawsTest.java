package org.finetune4j.model;

import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;

class OneDnnBfloat16EngineLawsTest extends EngineLaws {
    OneDnnBfloat16EngineLawsTest() {
        super(Precision.BF16, 3e-2);
    }

    @Override
    Kernels makeKernels() {
        return new OneDnnKernels();
    }
}
