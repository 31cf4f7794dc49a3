/**
 * Model families as declarations: which {@code config.json} one answers to, and which blocks, norms, projections and tensor
 * names its models consist of. A new family is one class and one line in {@link org.finetune4j.model.family.Families}.
 */
@NullMarked
package org.finetune4j.model.family;

import org.jspecify.annotations.NullMarked;
