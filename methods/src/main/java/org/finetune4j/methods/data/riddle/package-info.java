/** Drawn words, which hardly any model can read, and how much a model knows of its data before training. */
@NullMarked
package org.finetune4j.methods.data.riddle;

import org.jspecify.annotations.NullMarked;
