package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a template does: it prints, or changes variables. */
interface Statement {
    /** How a statement ended: whether the loop around it goes on. */
    enum Flow { NORMAL, BREAK, CONTINUE }

    Flow execute(Scope scope, StringBuilder out);

    /** Statements one after the other. */
    record Block(List<Statement> statements) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            for (Statement statement : statements) {
                scope.run.step();
                Flow flow = statement.execute(scope, out);
                if (flow != Flow.NORMAL) {
                    return flow;
                }
            }
            return Flow.NORMAL;
        }

        /** Prints into a text of its own. */
        String capture(Scope scope) {
            StringBuilder text = new StringBuilder();
            execute(scope, text);
            return text.toString();
        }
    }

    /** Text that stands in the template. */
    record Data(String text) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            scope.run.reserve(text.length());
            out.append(text);
            return Flow.NORMAL;
        }
    }

    /** {@code {{ a }}} */
    record Print(Expression value, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            scope.run.line = line;
            Object printed = value.evaluate(scope);
            String text = Values.text(scope.run, printed);
            scope.run.reserve(text.length());
            out.append(text);
            return Flow.NORMAL;
        }
    }

    /** {@code if}, {@code elif} and {@code else}, whose test is null. */
    record If(List<@Nullable Expression> tests, List<Block> bodies) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            for (int i = 0; i < tests.size(); i++) {
                Expression test = tests.get(i);
                if (test == null || Values.isTrue(test.evaluate(scope))) {
                    return bodies.get(i).execute(scope, out);
                }
            }
            return Flow.NORMAL;
        }
    }

    /** Where values go: names, or one attribute of a namespace. */
    record Target(List<String> names, @Nullable String attribute, boolean unpacks, int line) {
        void assign(Scope scope, @Nullable Object value) {
            scope.run.line = line;
            if (attribute != null) {
                if (!(scope.get(names.get(0)) instanceof Namespace namespace)) {
                    throw new EvaluationException("only a namespace's attributes can be set, and '" + names.get(0)
                        + "' is none");
                }
                namespace.attributes.put(attribute, value);
            } else if (!unpacks) {
                scope.set(names.get(0), value);
            } else {
                List<@Nullable Object> values = Values.elements(value);
                if (values.size() != names.size()) {
                    throw new EvaluationException(values.size() + " values cannot go to " + names.size() + " names");
                }
                for (int i = 0; i < names.size(); i++) {
                    scope.set(names.get(i), values.get(i));
                }
            }
        }
    }

    /** {@code set a = b} */
    record Set(Target target, Expression value) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            target.assign(scope, value.evaluate(scope));
            return Flow.NORMAL;
        }
    }

    /** {@code set a}, of which the value is what is printed up to {@code endset}; filters may follow the name. */
    record SetBlock(Target target, Block body, List<Expression.Filtered> filters) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            target.assign(scope, filtered(scope, body.capture(scope.inner()), filters));
            return Flow.NORMAL;
        }
    }

    /** {@code filter a} */
    record FilterBlock(Block body, List<Expression.Filtered> filters) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            out.append(Values.text(scope.run, filtered(scope, body.capture(scope.inner()), filters)));
            return Flow.NORMAL;
        }
    }

    private static @Nullable Object filtered(Scope scope, String text, List<Expression.Filtered> filters) {
        Object value = text;
        for (Expression.Filtered filter : filters) {
            scope.run.line = filter.line();
            value = Filters.apply(scope, filter.name(), value, filter.parameters().evaluate(scope));
        }
        return value;
    }

    /** {@code for}; each round has variables of its own. */
    record For(Target target, Expression iterable, @Nullable Expression test, Block body, @Nullable Block otherwise,
            boolean recursive, int line) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            Object value = iterable.evaluate(scope);
            scope.run.line = line;
            loop(scope, value, 0, out);
            return Flow.NORMAL;
        }

        private void loop(Scope scope, @Nullable Object value, int depth, StringBuilder out) {
            List<@Nullable Object> items = selected(scope, Values.elements(value));
            scope.run.reserve(items.size());
            Callable recursion = !recursive ? null : (caller, arguments) -> {
                StringBuilder text = new StringBuilder();
                scope.run.enter();
                loop(scope, arguments.bind("loop", 1, "iterable")[0], depth + 1, text);
                scope.run.leave();
                return text.toString();
            };
            Loop loop = new Loop(items, depth, recursion);
            for (Object item : items) {
                scope.run.step();
                Scope round = scope.inner();
                round.set("loop", loop);
                target.assign(round, item);
                if (body.execute(round, out) == Flow.BREAK) {
                    break;
                }
                loop.index++;
            }
            if (items.isEmpty() && otherwise != null) {
                otherwise.execute(scope.inner(), out);
            }
        }

        private List<@Nullable Object> selected(Scope scope, List<@Nullable Object> all) {
            if (test == null) {
                return all;
            }
            List<@Nullable Object> selected = new ArrayList<>();
            for (Object item : all) {
                scope.run.step();
                Scope round = scope.inner();
                target.assign(round, item);
                if (Values.isTrue(test.evaluate(round))) {
                    selected.add(item);
                }
            }
            return selected;
        }
    }

    /** {@code break} and {@code continue} */
    record Jump(Flow flow) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            return flow;
        }
    }

    /** {@code macro} */
    record MacroDefinition(Macro macro) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            scope.set(macro.name(), macro.in(scope, null));
            return Flow.NORMAL;
        }
    }

    /** {@code call a(b)}: what it encloses is what the macro's {@code caller()} prints. */
    record CallBlock(Expression.Call call, Macro body) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            Callable caller = body.in(scope, null);
            Object function = call.target().evaluate(scope);
            Arguments arguments = call.parameters().evaluate(scope);
            scope.run.line = call.line();
            if (!(function instanceof Macro.Bound bound)) {
                throw new EvaluationException("a call block needs a macro, not a " + Values.kind(function));
            }
            out.append(bound.macro().in(bound.scope(), caller).call(scope, arguments));
            return Flow.NORMAL;
        }
    }

    /** {@code with a = b} */
    record With(List<Target> targets, List<Expression> values, Block body) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            Scope inner = scope.inner();
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).assign(inner, values.get(i).evaluate(scope));
            }
            return body.execute(inner, out);
        }
    }

    /** {@code generation}, which encloses what the model says. */
    record Generation(Block body) implements Statement {
        @Override
        public Flow execute(Scope scope, StringBuilder out) {
            int start = out.length();
            Flow flow = body.execute(scope.inner(), out);
            if (out == scope.run.output) {
                scope.run.generations.add(new int[] {start, out.length()});
            }
            return flow;
        }
    }
}
