package org.finetune4j.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The keys, values or items of a dictionary: it has a length but no indices.
 *
 * @param name what it prints as
 * @param items its elements
 */
record View(String name, List<@Nullable Object> items) {}
