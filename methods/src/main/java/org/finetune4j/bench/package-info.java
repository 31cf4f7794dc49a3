/** Speed measurements of the engine, on random weights and tokens. */
@NullMarked
package org.finetune4j.bench;

import org.jspecify.annotations.NullMarked;
