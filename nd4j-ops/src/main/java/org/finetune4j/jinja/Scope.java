package org.finetune4j.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Variables by name; those of an outer scope can be read and not changed, as Jinja's loops and macros have it. */
final class Scope {
    final Run run;
    private final @Nullable Scope parent;
    private final Map<String, @Nullable Object> variables;

    Scope(Run run, Map<String, @Nullable Object> variables) {
        this.run = run;
        this.parent = null;
        this.variables = variables;
    }

    private Scope(Scope parent) {
        this.run = parent.run;
        this.parent = parent;
        this.variables = new HashMap<>();
    }

    Scope inner() {
        return new Scope(this);
    }

    @Nullable Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            Object value = scope.variables.get(name);
            if (value != null || scope.variables.containsKey(name)) {
                return value;
            }
        }
        return new Undefined("'" + name + "' is undefined");
    }

    void set(String name, @Nullable Object value) {
        variables.put(name, value);
    }
}
