/** The fused language-model head: logits of a chunk of supervised tokens at a time, and an objective's loss on them. */
@NullMarked
package org.finetune4j.head;

import org.jspecify.annotations.NullMarked;
