package org.finetune4j.model;

import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;

class Nd4jDoubleEngineLawsTest extends EngineLaws {
    Nd4jDoubleEngineLawsTest() {
        super(Precision.F64, 1e-9);
    }

    @Override
    Kernels makeKernels() {
        return new Nd4jKernels();
    }
}
