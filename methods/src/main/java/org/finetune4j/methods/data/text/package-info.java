/** Texts cut into pieces and put together otherwise. */
@NullMarked
package org.finetune4j.methods.data.text;

import org.jspecify.annotations.NullMarked;
