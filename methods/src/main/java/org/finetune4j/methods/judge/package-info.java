/** What says whether an answer is right: rules, tests, and other models. */
@NullMarked
package org.finetune4j.methods.judge;

import org.jspecify.annotations.NullMarked;
