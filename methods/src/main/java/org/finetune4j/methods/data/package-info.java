/** Data methods: what makes samples, or makes them out of others, one file per method. */
@NullMarked
package org.finetune4j.methods.data;

import org.jspecify.annotations.NullMarked;
