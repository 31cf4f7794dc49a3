package org.finetune4j.generation.structure;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.finetune4j.generation.structure.Expression.Call;
import org.finetune4j.generation.structure.Expression.Chars;
import org.finetune4j.generation.structure.Expression.Choice;
import org.finetune4j.generation.structure.Expression.Repeat;
import org.finetune4j.generation.structure.Expression.Sequence;
import org.finetune4j.generation.structure.Structure.WhiteSpace;

/**
 * How JSON is written: strings with the shortest escape of each character that needs one, numbers without needless zeros,
 * and white space as chosen.
 */
final class JsonText {
    private static final String CHARACTER = "a character of a string";
    private static final String SPACE = "white space";
    private static final int MOST_SPACE = 20;
    private static final CharSet CONTROL = CharSet.of(0, 0x1F);
    private static final CharSet ESCAPED = CONTROL.union(CharSet.of("\"\\"));
    private static final Map<Integer, String> SHORT = Map.of((int) '"', "\\\"", (int) '\\', "\\\\", 8, "\\b", 9, "\\t", 10,
            "\\n", 12, "\\f", 13, "\\r");

    private final WhiteSpace space;

    /** Writes with this white space, and adds the rules that its expressions call. */
    JsonText(WhiteSpace space, Map<String, Expression> rules) {
        this.space = space;
        rules.put(CHARACTER, escaped(new Chars(CharSet.ALL)));
        rules.put(SPACE, new Repeat(Expression.chars(" \t\n\r"), 0, MOST_SPACE));
    }

    /** One character of a string, as it is written there. */
    static Expression character() {
        return new Call(CHARACTER);
    }

    /** A string whose characters are those of the texts. */
    static Expression string(Expression texts) {
        return Expression.sequence(Expression.text("\""), escaped(texts), Expression.text("\""));
    }

    /** A string of any characters, from so many to so many. */
    static Expression string(int least, int most) {
        return Expression.sequence(Expression.text("\""), new Repeat(character(), least, most), Expression.text("\""));
    }

    /** The texts as they are written within a string. */
    static Expression escaped(Expression texts) {
        if (texts instanceof Chars chars) {
            List<Expression> ways = new ArrayList<>();
            CharSet plain = chars.set().minus(ESCAPED);
            if (!plain.isEmpty()) {
                ways.add(new Chars(plain));
            }
            chars.set().intersect(ESCAPED).ranges().forEach(range -> {
                for (int c = range.from(); c <= range.to(); c++) {
                    ways.add(Expression.text(SHORT.getOrDefault(c, String.format("\\u%04x", c))));
                }
            });
            return ways.size() == 1 ? ways.get(0) : new Choice(ways);
        }
        if (texts instanceof Sequence sequence) {
            return new Sequence(sequence.parts().stream().map(JsonText::escaped).toList());
        }
        if (texts instanceof Choice choice) {
            return new Choice(choice.parts().stream().map(JsonText::escaped).toList());
        }
        if (texts instanceof Repeat repeat) {
            return new Repeat(escaped(repeat.part()), repeat.least(), repeat.most());
        }
        return texts;
    }

    /** Every string but these, as the name of a property. */
    static Expression stringExcept(List<String> names) {
        return string(except(names.stream().map(name -> name.codePoints().toArray()).toList(), 0));
    }

    private static Expression except(List<int[]> names, int place) {
        Map<Integer, List<int[]>> byNext = names.stream().filter(name -> name.length > place)
                .collect(Collectors.groupingBy(name -> name[place], TreeMap::new, Collectors.toList()));
        CharSet others = CharSet.ALL;
        List<Expression> ways = new ArrayList<>();
        for (Map.Entry<Integer, List<int[]>> next : byNext.entrySet()) {
            CharSet character = CharSet.of(next.getKey(), next.getKey());
            others = others.minus(character);
            ways.add(Expression.sequence(new Chars(character), except(next.getValue(), place + 1)));
        }
        ways.add(Expression.sequence(new Chars(others), Expression.any(new Chars(CharSet.ALL))));
        if (names.stream().noneMatch(name -> name.length == place)) {
            ways.add(Expression.EMPTY);
        }
        return new Choice(ways);
    }

    /** A value that is written in one way. */
    Expression literal(JsonNode value) {
        if (value.isTextual()) {
            return string(Expression.text(value.textValue()));
        }
        if (value.isArray()) {
            List<Expression> items = new ArrayList<>();
            value.forEach(item -> items.add(literal(item)));
            return array(Expression.joined(comma(), items.toArray(Expression[]::new)));
        }
        if (value.isObject()) {
            List<Expression> members = new ArrayList<>();
            value.properties().forEach(member -> members.add(member(member.getKey(), literal(member.getValue()))));
            return object(Expression.joined(comma(), members.toArray(Expression[]::new)));
        }
        return Expression.text(value.toString());
    }

    Expression member(String name, Expression value) {
        return member(string(Expression.text(name)), value);
    }

    Expression member(Expression name, Expression value) {
        return Expression.sequence(name, between(":"), value);
    }

    Expression comma() {
        return between(",");
    }

    Expression array(Expression items) {
        return enclosed("[", items, "]");
    }

    Expression object(Expression members) {
        return enclosed("{", members, "}");
    }

    private Expression enclosed(String open, Expression content, String close) {
        return space == WhiteSpace.FREE
                ? Expression.sequence(Expression.text(open), new Call(SPACE), content, new Call(SPACE),
                Expression.text(close))
                : Expression.sequence(Expression.text(open), content, Expression.text(close));
    }

    private Expression between(String mark) {
        return switch (space) {
            case NONE -> Expression.text(mark);
            case SPACED -> Expression.text(mark + " ");
            case FREE -> Expression.sequence(new Call(SPACE), Expression.text(mark), new Call(SPACE));
        };
    }
}
