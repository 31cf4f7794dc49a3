package org.finetune4j.methods.data.puzzle;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/**
 * What the four moves are called: four texts of which none is empty or within another, blanks at the ends and case
 * aside.
 *
 * @param names the text for every move
 */
public record MoveLabels(Map<Move, String> names) {
    private static final Pattern ANNOUNCED = Pattern.compile("(?m)^Moves: (.+) is Up, (.+) is Down, (.+) is Left, (.+)"
            + " is Right\\.$");
    private static final Pattern ANSWER = Pattern.compile("<answer>([^<]*)</answer>");
    private static final String SEPARATOR = ",";

    /** Keeps an immutable copy and refuses ambiguous labels with a {@link FinetuneException}. */
    public MoveLabels {
        names = Collections.unmodifiableMap(new EnumMap<>(names));
        if (!canBeToldApart(List.copyOf(names.values()))) {
            throw new FinetuneException("the labels " + names.values() + " cannot be told apart. Give four different "
                    + "texts that are not empty, none of them within another.");
        }
    }

    /**
     * Labels in the order Up, Down, Left, Right.
     *
     * @throws FinetuneException when they are not four, or cannot be told apart
     */
    public static MoveLabels of(List<String> labels) {
        Map<Move, String> names = new EnumMap<>(Move.class);
        for (int i = 0; i < Math.min(labels.size(), Move.values().length); i++) {
            names.put(Move.values()[i], labels.get(i));
        }
        return new MoveLabels(names);
    }

    private static String plain(String label) {
        return label.strip().toLowerCase(Locale.ROOT);
    }

    /** What a move is called. */
    public String of(Move move) {
        return names.getOrDefault(move, "");
    }

    /** The move that is called so, or null; blanks at the ends and case do not count. */
    public @Nullable Move move(String label) {
        return names.entrySet().stream().filter(one -> plain(one.getValue()).equals(plain(label)))
                .map(Map.Entry::getKey)
                .findFirst().orElse(null);
    }

    /** How a prompt says it. */
    String announcement() {
        return "Moves: " + names.entrySet().stream().map(one -> one.getValue() + " is " + one.getKey().word())
                .collect(Collectors.joining(", ")) + ".";
    }

    /**
     * What a prompt announces.
     *
     * @throws FinetuneException when it announces none
     */
    public static MoveLabels announced(String prompt) {
        Matcher matcher = ANNOUNCED.matcher(prompt);
        if (!matcher.find()) {
            throw new FinetuneException("this prompt does not say what the moves are called: " + prompt);
        }
        return of(List.of(matcher.group(1), matcher.group(2), matcher.group(3), matcher.group(4)));
    }

    /** An answer of these moves. */
    public String answer(List<Move> moves) {
        return "<answer> " + moves.stream().map(this::of).collect(Collectors.joining(SEPARATOR + " ")) + " </answer>";
    }

    /** The labels that an answer gives, whatever they are; none where it has no {@code <answer> ... </answer>}. */
    public static List<String> given(String answer) {
        Matcher matcher = ANSWER.matcher(answer);
        String last = "";
        while (matcher.find()) {
            last = matcher.group(1);
        }
        return last.isBlank() ? List.of() : List.of(last.split(SEPARATOR)).stream().map(String::strip).toList();
    }

    /** Whether four texts can serve as labels. */
    static boolean canBeToldApart(List<String> labels) {
        List<String> plain = labels.stream().map(MoveLabels::plain).toList();
        for (int i = 0; i < plain.size(); i++) {
            for (int j = 0; j < plain.size(); j++) {
                if (i != j && plain.get(i).contains(plain.get(j))) {
                    return false;
                }
            }
        }
        return plain.size() == Move.values().length && !plain.contains("");
    }
}
