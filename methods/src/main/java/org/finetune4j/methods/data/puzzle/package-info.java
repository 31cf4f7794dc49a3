/** Puzzles that data methods make samples of, with their solvers, verifiers and probes. */
@NullMarked
package org.finetune4j.methods.data.puzzle;

import org.jspecify.annotations.NullMarked;
