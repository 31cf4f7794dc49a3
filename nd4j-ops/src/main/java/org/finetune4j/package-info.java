/** The root of finetune4j: what every module shares. */
@NullMarked
package org.finetune4j;

import org.jspecify.annotations.NullMarked;
