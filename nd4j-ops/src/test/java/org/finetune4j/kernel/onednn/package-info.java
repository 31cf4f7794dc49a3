/** Holds the onednn kernels to plain loops in double, to equal bits, and to constant memory. */
@NullMarked
package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.NullMarked;
