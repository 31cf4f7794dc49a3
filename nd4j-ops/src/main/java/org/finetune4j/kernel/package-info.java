/** How numbers move: one interface of kernels, implemented once per device. */
@NullMarked
package org.finetune4j.kernel;

import org.jspecify.annotations.NullMarked;
