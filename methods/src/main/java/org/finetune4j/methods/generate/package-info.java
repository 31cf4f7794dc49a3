/**
 * Where text comes from before training: the policy, another local model, or an endpoint; every answer is kept on disk.
 */
@NullMarked
package org.finetune4j.methods.generate;

import org.jspecify.annotations.NullMarked;
