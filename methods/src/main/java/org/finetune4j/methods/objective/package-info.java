/** Objectives: what is minimised, one file per method. */
@NullMarked
package org.finetune4j.methods.objective;

import org.jspecify.annotations.NullMarked;
