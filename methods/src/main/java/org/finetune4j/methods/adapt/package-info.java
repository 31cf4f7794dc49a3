/** Adapters: which parameterisation trains, one file per method. */
@NullMarked
package org.finetune4j.methods.adapt;

import org.jspecify.annotations.NullMarked;
