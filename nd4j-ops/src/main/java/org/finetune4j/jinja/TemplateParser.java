package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.finetune4j.jinja.Statement.Block;
import org.finetune4j.jinja.Statement.Target;
import org.finetune4j.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Reads a template's statements. */
final class TemplateParser extends ExpressionParser {
    private static final Set<String> OTHER_FILES = Set.of("include", "import", "from", "extends", "block");

    private int loops;
    private boolean generation;

    TemplateParser(List<Token> tokens) {
        super(tokens);
    }

    /** Reads a whole template. */
    Block template() {
        Block block = block();
        if (current().kind() != Kind.END) {
            throw failed("'" + peekTag() + "' closes nothing");
        }
        return block;
    }

    /** Returns whether a generation tag was read. */
    boolean hasGeneration() {
        return generation;
    }

    private String peekTag() {
        next();
        return current().text();
    }

    /** Reads up to a tag that ends a block, which is left to the caller with its begin read, or the end. */
    private Block block(String... ends) {
        enter();
        List<Statement> statements = new ArrayList<>();
        while (current().kind() != Kind.END) {
            Token token = next();
            if (token.kind() == Kind.DATA) {
                statements.add(new Statement.Data(token.text()));
            } else if (token.kind() == Kind.PRINT_BEGIN) {
                statements.add(new Statement.Print(tuple(true), token.line()));
                if (current().kind() != Kind.PRINT_END) {
                    throw unexpected("'}}'");
                }
                next();
            } else if (List.of(ends).contains(current().text())) {
                leave();
                return new Block(statements);
            } else {
                statements.add(statement());
            }
        }
        if (ends.length > 0) {
            throw failed("a tag is not closed: '" + ends[ends.length - 1] + "' is missing");
        }
        leave();
        return new Block(statements);
    }

    private void endOfTag() {
        if (current().kind() != Kind.BLOCK_END) {
            throw unexpected("'%}'");
        }
        next();
    }

    private Block blockUpTo(String end) {
        endOfTag();
        Block block = block(end);
        next();
        return block;
    }

    private Statement statement() {
        int line = current().line();
        String tag = expectName();
        Statement statement = switch (tag) {
            case "if" -> condition();
            case "for" -> loop(line);
            case "set" -> set();
            case "macro" -> macro();
            case "call" -> call();
            case "filter" -> {
                List<Expression.Filtered> filters = filters(true);
                yield new Statement.FilterBlock(blockUpTo("endfilter"), filters);
            }
            case "with" -> with();
            case "autoescape" -> {
                if (Values.isTrue(expression() instanceof Expression.Constant constant ? constant.value() : true)) {
                    throw failed("autoescape is not available to chat templates");
                }
                yield blockUpTo("endautoescape");
            }
            case "generation" -> {
                generation = true;
                yield new Statement.Generation(blockUpTo("endgeneration"));
            }
            case "break", "continue" -> {
                if (loops == 0) {
                    throw failed("'" + tag + "' stands outside of a loop");
                }
                yield new Statement.Jump(tag.equals("break") ? Statement.Flow.BREAK : Statement.Flow.CONTINUE);
            }
            default -> throw failed(OTHER_FILES.contains(tag) ? "the tag '" + tag + "' needs other templates, and a chat"
                + " template stands alone" : tag.startsWith("end") || tag.startsWith("el") ? "'" + tag + "' closes nothing"
                : "there is no tag '" + tag + "'");
        };
        endOfTag();
        return statement;
    }

    private Statement condition() {
        List<@Nullable Expression> tests = new ArrayList<>();
        List<Block> bodies = new ArrayList<>();
        String tag = "if";
        while (!tag.equals("endif")) {
            tests.add(tag.equals("else") ? null : tuple(false));
            endOfTag();
            bodies.add(tag.equals("else") ? block("endif") : block("elif", "else", "endif"));
            tag = next().text();
        }
        return new Statement.If(tests, bodies);
    }

    private Statement loop(int line) {
        Target target = target(false);
        if (!skip(Kind.NAME, "in")) {
            throw unexpected("'in'");
        }
        Expression iterable = tuple(false);
        Expression test = skip(Kind.NAME, "if") ? expression() : null;
        boolean recursive = skip(Kind.NAME, "recursive");
        endOfTag();
        loops++;
        Block body = block("else", "endfor");
        loops--;
        Block otherwise = null;
        if (next().text().equals("else")) {
            otherwise = blockUpTo("endfor");
        }
        return new Statement.For(target, iterable, test, body, otherwise, recursive, line);
    }

    private Target target(boolean attributes) {
        int line = current().line();
        boolean parentheses = skipOperator("(");
        List<String> names = new ArrayList<>(List.of(expectName()));
        if (attributes && !parentheses && skipOperator(".")) {
            mentioned.add(names.get(0));
            return new Target(names, expectName(), false, line);
        }
        boolean unpacks = false;
        while (skipOperator(",")) {
            unpacks = true;
            if (current().kind() != Kind.NAME || current().text().equals("in")) {
                break;
            }
            names.add(expectName());
        }
        if (parentheses) {
            expectOperator(")");
        }
        return new Target(names, null, unpacks, line);
    }

    private Statement set() {
        Target target = target(true);
        if (skipOperator("=")) {
            return new Statement.Set(target, tuple(true));
        }
        List<Expression.Filtered> filters = filters(false);
        return new Statement.SetBlock(target, blockUpTo("endset"), filters);
    }

    /** Filters one behind the other, of which a filter block's first has no bar in front. */
    private List<Expression.Filtered> filters(boolean bare) {
        List<Expression.Filtered> filters = new ArrayList<>();
        Expression nothing = new Expression.Constant(null);
        if (bare) {
            filters.add(namedFilter(nothing, current().line()));
        }
        while (current().is(Kind.OPERATOR, "|")) {
            filters.add(filter(nothing));
        }
        return filters;
    }

    private Statement with() {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (current().kind() != Kind.BLOCK_END) {
            if (!targets.isEmpty()) {
                expectOperator(",");
            }
            targets.add(new Target(List.of(expectName()), null, false, current().line()));
            expectOperator("=");
            values.add(expression());
        }
        return new Statement.With(targets, values, blockUpTo("endwith"));
    }

    private Statement macro() {
        return new Statement.MacroDefinition(macro(expectName(), "endmacro"));
    }

    private Macro macro(String name, String end) {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        if (end.equals("endmacro") || current().is(Kind.OPERATOR, "(")) {
            expectOperator("(");
            while (!skipOperator(")")) {
                if (!parameters.isEmpty()) {
                    expectOperator(",");
                }
                parameters.add(expectName());
                if (skipOperator("=")) {
                    defaults.add(expression());
                } else if (!defaults.isEmpty()) {
                    throw failed("a parameter without a default follows one with a default");
                }
            }
        }
        return end.equals("endmacro") ? body(name, parameters, defaults, end) : new Macro(name, parameters, defaults,
            new Block(List.of()), Set.of());
    }

    private Macro body(String name, List<String> parameters, List<Expression> defaults, String end) {
        Set<String> outer = mentioned;
        int outerLoops = loops;
        mentioned = new HashSet<>();
        loops = 0;
        Block body = blockUpTo(end);
        Macro macro = new Macro(name, parameters, defaults, body, mentioned);
        outer.addAll(mentioned);
        mentioned = outer;
        loops = outerLoops;
        return macro;
    }

    private Statement call() {
        Macro head = macro("caller", "endcall");
        if (!(expression() instanceof Expression.Call call)) {
            throw failed("a call block needs a call");
        }
        return new Statement.CallBlock(call, body("caller", head.parameters(), head.defaults(), "endcall"));
    }
}
