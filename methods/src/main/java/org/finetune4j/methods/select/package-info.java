/** Selectors: which samples or responses are trained on, one file per method. */
@NullMarked
package org.finetune4j.methods.select;

import org.jspecify.annotations.NullMarked;
