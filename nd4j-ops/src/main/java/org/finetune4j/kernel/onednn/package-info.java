/** Kernels for processors: matrix products by oneDNN, everything else by vectorised Java loops over tiles. */
@NullMarked
package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.NullMarked;
