/** Model families: from a configuration to a graph. */
@NullMarked
package org.finetune4j.model;

import org.jspecify.annotations.NullMarked;
