/** Shows samples as a model sees them, and how long they are. */
@NullMarked
package org.finetune4j.data.preview;

import org.jspecify.annotations.NullMarked;
