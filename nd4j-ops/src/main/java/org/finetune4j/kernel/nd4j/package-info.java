/** The portable kernels: stock ND4J operations only, on whatever device ND4J runs on, and the reference in tests. */
@NullMarked
package org.finetune4j.kernel.nd4j;

import org.jspecify.annotations.NullMarked;
