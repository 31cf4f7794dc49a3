/**
 * Model files on disk: safetensors weights, Hugging Face {@code config.json}, and writing that a crash cannot tear.
 *
 * <p>Every reader here takes its input for hostile: lengths are checked before anything is allocated by them, and a file
 * that breaks a rule is refused with a {@link org.finetune4j.checkpoint.CheckpointException} that says what to do.
 */
@NullMarked
package org.finetune4j.checkpoint;

import org.jspecify.annotations.NullMarked;
