/** Invented people and things, of which no model knows anything, and facts about them. */
@NullMarked
package org.finetune4j.methods.data.facts;

import org.jspecify.annotations.NullMarked;
