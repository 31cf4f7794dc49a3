/** Sources made of other sources: mixed, split, without repetitions, in another order. */
@NullMarked
package org.finetune4j.data.transform;

import org.jspecify.annotations.NullMarked;
