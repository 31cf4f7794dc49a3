/** Text generation with a key-value cache. */
@NullMarked
package org.finetune4j.generation;

import org.jspecify.annotations.NullMarked;
