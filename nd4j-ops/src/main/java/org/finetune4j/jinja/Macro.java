package org.finetune4j.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A macro as it stands in the template.
 *
 * @param name its name
 * @param parameters their names in order
 * @param defaults the values of the last parameters
 * @param body what it prints
 * @param mentioned every name in the body, which tells whether further arguments are welcome
 */
record Macro(String name, List<String> parameters, List<Expression> defaults, Statement.Block body,
        Set<String> mentioned) {
    /** Returns the macro as a function that sees the variables of the place where it is defined. */
    Bound in(Scope scope, @Nullable Callable caller) {
        return new Bound(this, scope, caller);
    }

    /** A macro with the scope that it sees. */
    record Bound(Macro macro, Scope scope, @Nullable Callable caller) implements Callable {
        @Override
        public Object call(Scope callerScope, Arguments arguments) {
            Scope inner = scope.inner();
            Map<String, @Nullable Object> named = new LinkedHashMap<>(arguments.named());
            List<@Nullable Object> positional = arguments.positional();
            int count = macro.parameters.size();
            int firstDefault = count - macro.defaults.size();
            for (int i = 0; i < count; i++) {
                String parameter = macro.parameters.get(i);
                boolean given = i < positional.size();
                if (given && named.containsKey(parameter)) {
                    throw new EvaluationException("macro '" + macro.name + "' gets the argument '" + parameter + "' twice");
                }
                Object value = given ? positional.get(i) : named.containsKey(parameter) ? named.remove(parameter)
                    : i >= firstDefault ? macro.defaults.get(i - firstDefault).evaluate(inner)
                    : new Undefined("parameter '" + parameter + "' was not provided");
                inner.set(parameter, value);
            }
            rest(inner, positional.subList(Math.min(count, positional.size()), positional.size()), named);
            scope.run.enter();
            String text = macro.body.capture(inner);
            scope.run.leave();
            return text;
        }

        private void rest(Scope inner, List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
            Object ownCaller = named.containsKey("caller") ? named.remove("caller") : caller;
            if (ownCaller != null) {
                inner.set("caller", ownCaller);
            } else if (macro.mentioned.contains("caller")) {
                inner.set("caller", new Undefined("there is no call block"));
            }
            if (macro.mentioned.contains("kwargs")) {
                inner.set("kwargs", named);
            } else if (!named.isEmpty()) {
                throw new EvaluationException("macro '" + macro.name + "' knows no argument " + named.keySet());
            }
            if (macro.mentioned.contains("varargs")) {
                inner.set("varargs", new Tuple(positional));
            } else if (!positional.isEmpty()) {
                throw new EvaluationException("macro '" + macro.name + "' takes at most " + macro.parameters.size()
                    + " arguments");
            }
        }
    }
}
