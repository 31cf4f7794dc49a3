package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What Python makes lazily: it can be gone through once, and has neither length nor indices. */
final class Generator {
    private final Iterator<? extends @Nullable Object> items;

    Generator(Iterable<? extends @Nullable Object> items) {
        this.items = items.iterator();
    }

    boolean hasNext() {
        return items.hasNext();
    }

    @Nullable Object next() {
        return items.next();
    }

    List<@Nullable Object> drain() {
        List<@Nullable Object> rest = new ArrayList<>();
        items.forEachRemaining(rest::add);
        return rest;
    }
}
