/** Optimisers, gradient clipping and learning-rate schedules. */
@NullMarked
package org.finetune4j.optimizer;

import org.jspecify.annotations.NullMarked;
