package org.finetune4j.model;

import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;

class OneDnnFloatEngineLawsTest extends EngineLaws {
    OneDnnFloatEngineLawsTest() {
        super(Precision.F32, 1e-5);
    }

    @Override
    Kernels makeKernels() {
        return new OneDnnKernels();
    }
}
