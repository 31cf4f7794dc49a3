/** How answers are generated: one file per method. */
@NullMarked
package org.finetune4j.methods.decode;

import org.jspecify.annotations.NullMarked;
