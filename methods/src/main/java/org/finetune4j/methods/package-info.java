/** Published methods as fragments of a recipe: what every fragment has in common. */
@NullMarked
package org.finetune4j.methods;

import org.jspecify.annotations.NullMarked;
