package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Small faults that people make in programs of any language, each put into one place: another operator, a number beside the
 * right one, two arguments the wrong way round, a line that is missing, or another of the program's names. What stands in
 * strings and comments stays as it is.
 */
final class ProgramFaults {
    private static final Map<String, String> OPERATORS = operators();
    private static final Pattern OPERATOR = Pattern.compile("\\+=|-=|\\*=|/=|<=|>=|==|!=|&&|\\|\\||(?<=\\s)(?:\\+|-|\\*|/|<|>|and|or)"
            + "(?=\\s)");
    private static final Pattern NUMBER = Pattern.compile("(?<![\\w.])\\d{1,9}(?![\\w.])");
    private static final Pattern ARGUMENTS = Pattern.compile("(?<=\\w)\\((\\s*[\\w.\\[\\]]+\\s*),(\\s*[\\w.\\[\\]]+\\s*)\\)");
    private static final Pattern NAME = Pattern.compile("(?<![\\w.\"'])[A-Za-z_]\\w*(?![\\w(\"'])");
    private static final Pattern SKIPPED = Pattern.compile("\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])*'|#[^\\n]*|//[^\\n]*");
    private static final Pattern STATEMENT = Pattern.compile("(?m)^[ \\t]+(?!(?:def|class|if|else|elif|for|while|return|try|"
            + "except|finally|function|fn|public|private|static|import|from)\\b)[^\\n]*[^\\s{:,(]\\n");
    private static final Set<String> WORDS = Set.of("and", "or", "not", "if", "else", "elif", "for", "in", "while", "return",
            "def", "class", "import", "from", "as", "is", "True", "False", "None", "true", "false", "null", "pass", "break",
            "continue", "let", "var", "const", "int", "double", "float", "boolean", "String", "void", "public", "private",
            "static", "final", "new", "function", "fn", "lambda", "with", "try", "except", "raise", "echo", "local", "then",
            "fi", "do", "done", "print");

    private ProgramFaults() {
    }

    private static Map<String, String> operators() {
        Map<String, String> others = new LinkedHashMap<>();
        String[][] pairs = {{"+", "-"}, {"*", "/"}, {"<", "<="}, {">", ">="}, {"==", "!="}, {"&&", "||"}, {"and", "or"},
            {"+=", "-="}, {"*=", "/="}};
        for (String[] pair : pairs) {
            others.put(pair[0], pair[1]);
            others.put(pair[1], pair[0]);
        }
        return others;
    }

    /** Every program that differs from this one by one fault, none twice, in a fixed order. */
    static List<String> of(String program) {
        Set<String> faulty = new LinkedHashSet<>();
        boolean[] skipped = new boolean[program.length()];
        SKIPPED.matcher(program).results().forEach(found -> java.util.Arrays.fill(skipped, found.start(), found.end(), true));
        replace(program, OPERATOR, skipped, found -> List.of(OPERATORS.get(found.group())), faulty);
        replace(program, NUMBER, skipped, found -> List.of(String.valueOf(Long.parseLong(found.group()) + 1)), faulty);
        replace(program, ARGUMENTS, skipped, found -> List.of("(" + found.group(2).strip() + ", " + found.group(1).strip()
                + ")"), faulty);
        replace(program, STATEMENT, skipped, found -> List.of(""), faulty);
        Set<String> names = new TreeSet<>();
        NAME.matcher(program).results().filter(found -> !skipped[found.start()]).map(java.util.regex.MatchResult::group)
                .filter(name -> !WORDS.contains(name)).forEach(names::add);
        replace(program, NAME, skipped, found -> WORDS.contains(found.group()) ? List.of() : names.stream()
                .filter(name -> !name.equals(found.group())).toList(), faulty);
        faulty.remove(program);
        return new ArrayList<>(faulty);
    }

    /** What may stand in the place of a match. */
    private interface Others {
        List<String> of(Matcher found);
    }

    private static void replace(String program, Pattern pattern, boolean[] skipped, Others others, Set<String> faulty) {
        Matcher matcher = pattern.matcher(program);
        while (matcher.find()) {
            if (!skipped[matcher.start()]) {
                for (String other : others.of(matcher)) {
                    faulty.add(program.substring(0, matcher.start()) + other + program.substring(matcher.end()));
                }
            }
        }
    }

    /** A program without comments and white space, by which two are told that differ in nothing else. */
    static String essence(String program) {
        StringBuilder text = new StringBuilder();
        int from = 0;
        Matcher matcher = SKIPPED.matcher(program);
        while (matcher.find()) {
            text.append(program, from, matcher.start());
            String found = matcher.group();
            text.append(found.startsWith("#") || found.startsWith("//") ? "" : found);
            from = matcher.end();
        }
        return text.append(program.substring(from)).toString().replaceAll("\\s+", "");
    }
}
