/**
 * Text to token ids and back: tokenizers, chat templates, the masks of what a model is to learn, and training a
 * vocabulary.
 *
 * <p>Everything works offline and from files in a model folder; nothing is downloaded and no code of a model is run.
 */
@NullMarked
package org.finetune4j.tokenizer;

import org.jspecify.annotations.NullMarked;
