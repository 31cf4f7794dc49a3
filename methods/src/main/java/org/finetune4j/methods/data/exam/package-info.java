/** Questions with four options: how they are asked, answered, read back and scored. */
@NullMarked
package org.finetune4j.methods.data.exam;

import org.jspecify.annotations.NullMarked;
