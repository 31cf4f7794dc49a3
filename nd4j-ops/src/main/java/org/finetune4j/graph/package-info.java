/** The computation graph: the seam to SameDiff, the reverse pass, the schedule and its execution. */
@NullMarked
package org.finetune4j.graph;

import org.jspecify.annotations.NullMarked;
