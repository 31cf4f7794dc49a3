/** Metrics, one file per method. */
@NullMarked
package org.finetune4j.methods.evaluate;

import org.jspecify.annotations.NullMarked;
