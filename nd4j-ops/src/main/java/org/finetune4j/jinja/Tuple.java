package org.finetune4j.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Python's tuple, which prints with parentheses.
 *
 * @param items its elements
 */
record Tuple(List<@Nullable Object> items) {}
