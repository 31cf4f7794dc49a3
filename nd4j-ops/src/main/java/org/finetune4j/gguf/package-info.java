/**
 * GGUF, the file format of llama.cpp: a whole model with tokenizer and chat template in one file.
 *
 * <p>Source: docs/gguf.md of ggml-org/ggml, version 3 of the format; names of metadata and tensors are those that llama.cpp
 * reads.
 */
@NullMarked
package org.finetune4j.gguf;

import org.jspecify.annotations.NullMarked;
