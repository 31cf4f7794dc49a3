/** Recognises what kind of example a record is, and makes a row of it. */
@NullMarked
package org.finetune4j.data.format;

import org.jspecify.annotations.NullMarked;
