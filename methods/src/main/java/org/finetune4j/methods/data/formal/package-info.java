/**
 * A small language of formal statements with its compiler and its judge, to study autoformalisation without a prover.
 */
@NullMarked
package org.finetune4j.methods.data.formal;

import org.jspecify.annotations.NullMarked;
