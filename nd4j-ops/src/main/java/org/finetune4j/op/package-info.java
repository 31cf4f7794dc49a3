/** The project's own graph operations, each with its gradient. */
@NullMarked
package org.finetune4j.op;

import org.jspecify.annotations.NullMarked;
