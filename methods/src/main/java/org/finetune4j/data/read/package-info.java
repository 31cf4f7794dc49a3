/** Reads records from files and queries, one at a time and in a fixed order. */
@NullMarked
package org.finetune4j.data.read;

import org.jspecify.annotations.NullMarked;
