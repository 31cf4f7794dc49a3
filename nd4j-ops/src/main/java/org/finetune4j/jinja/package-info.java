/**
 * An interpreter of Jinja, the language of chat templates, as Python's Jinja2 and transformers run them.
 *
 * <p>Templates come from strangers, so they reach nothing but the values that they are given: no Java object, file or
 * clock, and steps, depth and size have limits. What a published template uses is here; what needs other files ({@code
 * include}, {@code extends}, {@code import}) is refused.
 */
@NullMarked
package org.finetune4j.jinja;

import org.jspecify.annotations.NullMarked;
