/** Random tables, questions about them with exact answers, and needles in long texts. */
@NullMarked
package org.finetune4j.methods.data.table;

import org.jspecify.annotations.NullMarked;
