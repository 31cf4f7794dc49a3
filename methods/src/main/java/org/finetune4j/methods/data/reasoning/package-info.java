/** Worked reasoning in responses: where it stands, its steps, and what they do. */
@NullMarked
package org.finetune4j.methods.data.reasoning;

import org.jspecify.annotations.NullMarked;
