/** Training data: samples, readers, encoding and packing. */
@NullMarked
package org.finetune4j.data;

import org.jspecify.annotations.NullMarked;
