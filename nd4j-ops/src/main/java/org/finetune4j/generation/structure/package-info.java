/**
 * Forms that generated text is held to: regular expressions and JSON schemas, compiled to a byte automaton with a stack,
 * and the tokens that each of its states allows.
 */
@NullMarked
package org.finetune4j.generation.structure;

import org.jspecify.annotations.NullMarked;
