package org.finetune4j.methods.objective;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.text.diff.CommandVisitor;
import org.apache.commons.text.diff.StringsComparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/**
 * Where two near-identical texts differ, by characters: the lines that are not in the other text, and within each run of such
 * lines the characters that a shortest edit script takes out or puts in. Where the other text only has something more, the
 * characters on both sides of that place are marked, so that something is marked wherever texts differ.
 *
 * @param lines      characters of lines that differ {@code [characters]}
 * @param characters characters that differ {@code [characters]}; each of them is in {@code lines}
 */
record FaultMasks(boolean[] lines, boolean[] characters) {
    /** The masks of {@code text} against {@code other}. */
    static FaultMasks of(String text, String other) {
        boolean[] lines = new boolean[text.length()];
        boolean[] characters = new boolean[text.length()];
        Map<String, Character> numbers = new HashMap<>();
        List<String> own = lines(text);
        List<String> others = lines(other);
        Runs runs = new Runs();
        new StringsComparator(numbered(own, numbers), numbered(others, numbers)).getScript().visit(runs);
        runs.end();
        int[] starts = starts(own);
        for (int[] run : runs.found) {
            int from = starts[run[0]];
            int to = starts[run[1]];
            if (from == to) {
                // Whole lines are missing here: the line before and the one behind tell where.
                int before = Math.max(0, run[0] - 1);
                int behind = Math.min(own.size(), run[1] + 1);
                Arrays.fill(lines, starts[before], starts[behind], true);
                markPoint(characters, from);
            } else {
                Arrays.fill(lines, from, to, true);
                markCharacters(characters, from, text.substring(from, to),
                        String.join("", others.subList(run[2], run[3])));
            }
        }
        return new FaultMasks(lines, characters);
    }

    /** {@code 1 - edit distance / length of the longer text}. */
    static double similarity(String text, String other) {
        int longest = Math.max(text.length(), other.length());
        return longest == 0 ? 1 : 1 - (double) LevenshteinDistance.getDefaultInstance().apply(text, other) / longest;
    }

    /** Both masks together. */
    FaultMasks or(FaultMasks other) {
        boolean[] bothLines = lines.clone();
        boolean[] bothCharacters = characters.clone();
        for (int i = 0; i < bothLines.length; i++) {
            bothLines[i] |= other.lines[i];
            bothCharacters[i] |= other.characters[i];
        }
        return new FaultMasks(bothLines, bothCharacters);
    }

    private static void markPoint(boolean[] marks, int place) {
        if (place > 0) {
            marks[place - 1] = true;
        }
        if (place < marks.length) {
            marks[place] = true;
        }
    }

    private static void markCharacters(boolean[] marks, int offset, String text, String other) {
        Runs runs = new Runs();
        new StringsComparator(text, other).getScript().visit(runs);
        runs.end();
        for (int[] run : runs.found) {
            if (run[0] < run[1]) {
                Arrays.fill(marks, offset + run[0], offset + run[1], true);
            } else {
                markPoint(marks, offset + run[0]);
            }
        }
    }

    /** Lines with their ends. */
    private static List<String> lines(String text) {
        List<String> lines = new ArrayList<>();
        for (int from = 0; from < text.length();) {
            int end = text.indexOf('\n', from);
            int to = end < 0 ? text.length() : end + 1;
            lines.add(text.substring(from, to));
            from = to;
        }
        return lines;
    }

    private static int[] starts(List<String> lines) {
        int[] starts = new int[lines.size() + 1];
        for (int i = 0; i < lines.size(); i++) {
            starts[i + 1] = starts[i] + lines.get(i).length();
        }
        return starts;
    }

    /** Lines as characters, equal ones by the same, so that they can be compared as texts are. */
    private static String numbered(List<String> lines, Map<String, Character> numbers) {
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            // The last line may lack its end.
            text.append(numbers.computeIfAbsent(line.strip().isEmpty() ? line : line.replaceAll("\\R$", ""),
                    missing -> (char) numbers.size()));
        }
        return text.toString();
    }

    /** Runs of lines or characters that differ: from and to among the own ones, from and to among the others. */
    private static final class Runs implements CommandVisitor<Character> {
        private final List<int[]> found = new ArrayList<>();
        private int own;
        private int other;
        private int ownStart;
        private int otherStart;

        @Override
        public void visitInsertCommand(Character inserted) {
            other++;
        }

        @Override
        public void visitKeepCommand(Character kept) {
            end();
            own++;
            other++;
            ownStart = own;
            otherStart = other;
        }

        @Override
        public void visitDeleteCommand(Character deleted) {
            own++;
        }

        void end() {
            if (own > ownStart || other > otherStart) {
                found.add(new int[] {ownStart, own, otherStart, other});
            }
        }
    }
}
