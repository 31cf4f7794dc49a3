package org.finetune4j.generation.structure;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.finetune4j.generation.structure.Expression.Choice;
import org.finetune4j.generation.structure.Expression.Chars;
import org.finetune4j.generation.structure.Expression.Repeat;
import org.finetune4j.generation.structure.Expression.Sequence;

/**
 * Reads regular expressions in the syntax that Java and JavaScript share: literals, {@code .} (any character but the line
 * ends), classes, {@code \d \w \s} and their opposites in ASCII, {@code \p{...}}, escapes, groups, {@code |},
 * and the quantifiers with their lazy forms, which match the same texts. {@code ^} and {@code $} may stand at the ends
 * of the outermost alternatives. What looks around or back is refused by name.
 */
final class RegexParser {
    /** The outermost alternatives, with whether each is tied to the beginning and the end. */
    record Alternative(Expression body, boolean fromStart, boolean toEnd) {
    }

    private static final int MOST_REPETITIONS = 10_000;
    private static final int MOST_NESTING = 200;
    private static final int LONGEST = 100_000;
    private static final CharSet DIGIT = CharSet.of('0', '9');
    private static final CharSet WORD = DIGIT.union(CharSet.of('a', 'z')).union(CharSet.of('A', 'Z'))
            .union(CharSet.of("_"));
    private static final CharSet LINE_ENDS = CharSet.of("\n\r\u0085\u2028\u2029");
    private static final CharSet SPACE = CharSet.of(" \t\n\r\f\u000b");

    private final String source;
    private int place;
    private int nesting;

    private RegexParser(String source) {
        this.source = source;
    }

    /** The texts that match as a whole. */
    static Expression whole(String regex) {
        return new Choice(new RegexParser(regex).read().stream().map(Alternative::body).toList());
    }

    /** The texts in which a match can be found. */
    static Expression within(String regex) {
        Expression anything = Expression.any(new Chars(CharSet.ALL));
        return new Choice(new RegexParser(regex).read().stream().map(alternative -> Expression.sequence(
                alternative.fromStart ? Expression.EMPTY : anything, alternative.body,
                alternative.toEnd ? Expression.EMPTY : anything)).toList());
    }

    private List<Alternative> read() {
        if (source.length() > LONGEST) {
            throw new StructureException("the regular expression has " + source.length() + " characters, at most " + LONGEST
                    + " are taken. Shorten it.");
        }
        List<Alternative> alternatives = new ArrayList<>();
        do {
            boolean fromStart = take('^');
            Expression body = sequence();
            alternatives.add(new Alternative(body, fromStart, take('$')));
        } while (take('|'));
        if (place < source.length()) {
            throw refused(source.charAt(place) == ')' ? "a ')' without its '('" : "'$' in the middle of it",
                    "Remove it");
        }
        return alternatives;
    }

    private Expression choice() {
        List<Expression> alternatives = new ArrayList<>();
        do {
            alternatives.add(sequence());
        } while (take('|'));
        return alternatives.size() == 1 ? alternatives.get(0) : new Choice(alternatives);
    }

    private Expression sequence() {
        List<Expression> parts = new ArrayList<>();
        while (place < source.length() && "|)$".indexOf(source.charAt(place)) < 0) {
            parts.add(quantified(atom()));
        }
        return parts.size() == 1 ? parts.get(0) : new Sequence(parts);
    }

    private Expression quantified(Expression atom) {
        Expression result = atom;
        int least;
        int most;
        if (take('*')) {
            least = 0;
            most = Repeat.UNLIMITED;
        } else if (take('+')) {
            least = 1;
            most = Repeat.UNLIMITED;
        } else if (take('?')) {
            least = 0;
            most = 1;
        } else if (place < source.length() && source.charAt(place) == '{') {
            place++;
            least = number();
            most = take(',') ? source.startsWith("}", place) ? Repeat.UNLIMITED : number() : least;
            expect('}');
            if (most != Repeat.UNLIMITED && most < least) {
                throw refused("the quantifier {" + least + "," + most + "}", "Put the smaller number first");
            }
        } else {
            return result;
        }
        take('?');
        if (place < source.length() && "*+?{".indexOf(source.charAt(place)) >= 0) {
            throw refused(source.charAt(place) == '+' ? "a possessive quantifier" : "a quantifier after a quantifier",
                    "Put a group around what is repeated");
        }
        return new Repeat(result, least, most);
    }

    private int number() {
        int start = place;
        while (place < source.length() && Character.digit(source.charAt(place), 10) >= 0) {
            place++;
        }
        String digits = source.substring(start, place);
        if (digits.isEmpty()) {
            throw refused("a '{' without a number", "Write \\{ for the character itself");
        }
        if (digits.length() > 5 || Integer.parseInt(digits) > MOST_REPETITIONS) {
            throw refused("a repetition of " + digits + " times", "At most " + MOST_REPETITIONS + " are taken");
        }
        return Integer.parseInt(digits);
    }

    private Expression atom() {
        char c = source.charAt(place);
        switch (c) {
            case '(':
                return group();
            case '[':
                place++;
                return new Chars(characterClass());
            case '.':
                place++;
                return new Chars(CharSet.ALL.minus(LINE_ENDS));
            case '\\':
                place++;
                return new Chars(escape(false));
            case '^':
                throw refused("'^' in the middle of it", "It may stand at the beginning; write \\^ for the character");
            case '*', '+', '?', '{':
                throw refused("the quantifier '" + c + "' with nothing before it", "Write \\" + c + " for the character");
            default:
                int character = source.codePointAt(place);
                place += Character.charCount(character);
                if (Character.getType(character) == Character.SURROGATE) {
                    throw refused("half a surrogate pair", "Repair the text's encoding");
                }
                return new Chars(CharSet.of(character, character));
        }
    }

    private Expression group() {
        place++;
        if (take('?')) {
            if (source.startsWith("<", place) && !source.startsWith("<=", place) && !source.startsWith("<!", place)) {
                int end = source.indexOf('>', place);
                if (end < 0) {
                    throw refused("a group's name without its '>'", "Close it");
                }
                place = end + 1;
            } else if (!take(':')) {
                throw refused("the group (?" + source.substring(place, Math.min(source.length(), place + 2)) + "...)",
                        "Only (...), (?:...) and (?<name>...) are taken: nothing looks around, and flags do not exist");
            }
        }
        if (++nesting > MOST_NESTING) {
            throw refused("groups within groups " + MOST_NESTING + " deep", "Flatten it");
        }
        Expression inner = choice();
        nesting--;
        if (source.startsWith("$", place)) {
            throw refused("'$' within a group", "It may stand at the end of the whole expression");
        }
        expect(')');
        return inner;
    }

    private CharSet characterClass() {
        boolean negated = take('^');
        CharSet set = CharSet.NONE;
        boolean first = true;
        while (first || !source.startsWith("]", place)) {
            if (place >= source.length()) {
                throw refused("a '[' without its ']'", "Close it");
            }
            if (source.startsWith("[", place) || source.startsWith("&&", place)) {
                throw refused("a class within a class", "Write \\[ or \\& for the characters themselves");
            }
            if (first && source.startsWith("]", place)) {
                throw refused("an empty class", "Write \\] for the character itself");
            }
            first = false;
            CharSet from = classItem();
            boolean range = source.startsWith("-", place) && !source.startsWith("-]", place) && single(from);
            if (range) {
                place++;
                CharSet to = classItem();
                if (!single(to) || to.ranges().get(0).from() < from.ranges().get(0).from()) {
                    throw refused("a range whose end is not a character after its beginning",
                            "Turn it round, or write \\-");
                }
                from = CharSet.of(from.ranges().get(0).from(), to.ranges().get(0).to());
            }
            set = set.union(from);
        }
        place++;
        return negated ? set.complement() : set;
    }

    private static boolean single(CharSet set) {
        return set.ranges().size() == 1 && set.ranges().get(0).from() == set.ranges().get(0).to();
    }

    private CharSet classItem() {
        if (take('\\')) {
            return escape(true);
        }
        if (place >= source.length()) {
            throw refused("a '[' without its ']'", "Close it");
        }
        int character = source.codePointAt(place);
        place += Character.charCount(character);
        return CharSet.of(character, character);
    }

    private CharSet escape(boolean inClass) {
        if (place >= source.length()) {
            throw refused("a '\\' at the end", "Write \\\\ for the character itself");
        }
        int c = source.codePointAt(place);
        place += Character.charCount(c);
        return switch (c) {
            case 'd' -> DIGIT;
            case 'D' -> DIGIT.complement();
            case 'w' -> WORD;
            case 'W' -> WORD.complement();
            case 's' -> SPACE;
            case 'S' -> SPACE.complement();
            case 'n' -> CharSet.of("\n");
            case 'r' -> CharSet.of("\r");
            case 't' -> CharSet.of("\t");
            case 'f' -> CharSet.of("\f");
            case 'v' -> CharSet.of("\u000b");
            case '0' -> CharSet.of("\0");
            case 'x' -> hexadecimal(2);
            case 'u' -> hexadecimal(4);
            case 'p', 'P' -> property(c == 'P');
            default -> {
                if (Character.isLetterOrDigit(c)) {
                    throw refused("\\" + Character.toString(c) + (inClass ? " in a class" : ""), Character.isDigit(c) || c == 'k'
                            ? "Nothing can refer back to a group"
                            : "There is no such escape here: nothing looks at borders");
                }
                yield CharSet.of(c, c);
            }
        };
    }

    private CharSet hexadecimal(int digits) {
        String number;
        if (take('{')) {
            int end = Math.max(place, source.indexOf('}', place));
            number = source.substring(place, end);
            place = Math.min(source.length(), end + 1);
        } else {
            number = source.substring(place, Math.min(source.length(), place + digits));
            place += number.length();
        }
        if (!number.matches("[0-9a-fA-F]{1,6}") || Integer.parseInt(number, 16) > Character.MAX_CODE_POINT) {
            throw refused("the character number '" + number + "'", "Write hexadecimal digits");
        }
        int character = Integer.parseInt(number, 16);
        CharSet set = CharSet.of(character, character).intersect(CharSet.ALL);
        if (set.isEmpty()) {
            throw refused("half a surrogate pair", "Write \\u{1F600} or the character itself");
        }
        return set;
    }

    private CharSet property(boolean negated) {
        int end = source.startsWith("{", place) ? source.indexOf('}', place) : place;
        if (end < 0 || end >= source.length()) {
            throw refused("\\p without a property", "Write it as \\p{L}");
        }
        String name = source.substring(place, end + 1);
        place = end + 1;
        Pattern pattern;
        try {
            pattern = Pattern.compile("\\p" + name);
        } catch (PatternSyntaxException e) {
            throw refused("the property \\p" + name, "Take one that Java knows, such as \\p{L} or \\p{IsGreek}");
        }
        CharSet set = CharSet.NONE;
        List<CharSet> found = new ArrayList<>();
        int start = -1;
        for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
            boolean has = c <= Character.MAX_CODE_POINT && pattern.matcher(Character.toString(c)).matches();
            if (has && start < 0) {
                start = c;
            } else if (!has && start >= 0) {
                found.add(CharSet.of(start, c - 1));
                start = -1;
            }
        }
        for (CharSet part : found) {
            set = set.union(part);
        }
        set = set.intersect(CharSet.ALL);
        return negated ? set.complement() : set;
    }

    private boolean take(char wanted) {
        boolean there = place < source.length() && source.charAt(place) == wanted;
        place += there ? 1 : 0;
        return there;
    }

    private void expect(char wanted) {
        if (!take(wanted)) {
            throw refused("no '" + wanted + "' where one must be", "Add it");
        }
    }

    private StructureException refused(String what, String mend) {
        return new StructureException("the regular expression '" + source + "' has " + what + " at character "
                + Math.min(place + 1, source.length()) + ", which is not supported. " + mend + ".");
    }
}
