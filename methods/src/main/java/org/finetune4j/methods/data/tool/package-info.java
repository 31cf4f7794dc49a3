/** Calls of tools: which of them failed, which of their tokens decide, and how they are rewarded. */
@NullMarked
package org.finetune4j.methods.data.tool;

import org.jspecify.annotations.NullMarked;
