/** How the probabilities of choices are made of a model's passes, one file per method. */
@NullMarked
package org.finetune4j.methods.decode;

import org.jspecify.annotations.NullMarked;
