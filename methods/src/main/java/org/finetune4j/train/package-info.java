/** The trainer: steps, schedules, checkpoints and guards. */
@NullMarked
package org.finetune4j.train;

import org.jspecify.annotations.NullMarked;
