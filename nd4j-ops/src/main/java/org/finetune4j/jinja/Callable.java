package org.finetune4j.jinja;

import org.jspecify.annotations.Nullable;

/** A function, method or macro that a template may call. */
@FunctionalInterface
interface Callable {
    @Nullable Object call(Scope scope, Arguments arguments);
}
