package org.finetune4j.tokenizer;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import org.jspecify.annotations.Nullable;

/** The filter {@code trim}, which takes off what Python counts as white space; the engine's own counts otherwise. */
final class TrimFilter implements Filter {
    @Override
    public String getName() {
        return "trim";
    }

    @Override
    public @Nullable Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... arguments) {
        return value == null ? null
            : PythonMethods.strip(value.toString(), arguments.length > 0 ? arguments[0] : null, true, true);
    }
}
