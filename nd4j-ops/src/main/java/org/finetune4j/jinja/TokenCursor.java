package org.finetune4j.jinja;

import java.util.List;
import org.finetune4j.jinja.Token.Kind;

/** Where a parser stands in the tokens of a template, how deep, and what it says when another token is expected. */
class TokenCursor {
    /** Deeper nesting, or a longer chain of operators, is no template but an attack on the stack. */
    private static final int MAXIMUM_DEPTH = 60;
    private static final int MAXIMUM_CHAIN = 500;

    private final List<Token> tokens;
    private int position;
    private int depth;
    private int chain;

    TokenCursor(List<Token> tokens) {
        this.tokens = tokens;
    }

    final Token current() {
        return tokens.get(position);
    }

    final Token next() {
        Token token = tokens.get(position);
        position = Math.min(position + 1, tokens.size() - 1);
        return token;
    }

    final boolean skip(Kind kind, String text) {
        if (current().is(kind, text)) {
            next();
            return true;
        }
        return false;
    }

    final boolean skipOperator(String operator) {
        return skip(Kind.OPERATOR, operator);
    }

    final void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    final String expectName() {
        if (current().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return next().text();
    }

    final JinjaException unexpected(String expected) {
        Token token = current();
        String found = switch (token.kind()) {
            case END -> "the end of the template";
            case PRINT_END -> "'}}'";
            case BLOCK_END -> "'%}'";
            case DATA -> "text";
            default -> "'" + token.text() + "'";
        };
        return failed("it has " + found + " where " + expected + " is expected");
    }

    final JinjaException failed(String reason) {
        return new JinjaException(current().line(), false, reason);
    }

    final void enter() {
        if (++depth > MAXIMUM_DEPTH) {
            throw failed("it is nested more than " + MAXIMUM_DEPTH + " deep");
        }
    }

    final void leave() {
        depth--;
    }

    final Token following() {
        return tokens.get(Math.min(position + 1, tokens.size() - 1));
    }

    final void back() {
        position--;
    }

    final void beginChain() {
        chain = 0;
    }

    final void link() {
        if (++chain > MAXIMUM_CHAIN) {
            throw failed("one expression chains more than " + MAXIMUM_CHAIN + " operators");
        }
    }
}
