package org.finetune4j.generation.structure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** An immutable set of Unicode characters (code points without surrogates), as ranges in order. */
final class CharSet {
    /** Every character. */
    static final CharSet ALL = new CharSet(List.of(new Range(0, 0xD7FF), new Range(0xE000, Character.MAX_CODE_POINT)));
    /** No character. */
    static final CharSet NONE = new CharSet(List.of());

    private final List<Range> ranges;

    /** The characters from {@code from} to {@code to}, both included. */
    record Range(int from, int to) {
    }

    private CharSet(List<Range> ranges) {
        this.ranges = ranges;
    }

    static CharSet of(int from, int to) {
        return merged(List.of(new Range(from, to))).minus(NONE);
    }

    static CharSet of(String characters) {
        return merged(characters.codePoints().mapToObj(c -> new Range(c, c)).toList());
    }

    private static CharSet merged(List<Range> unordered) {
        List<Range> sorted = new ArrayList<>(unordered);
        sorted.sort(Comparator.comparingInt(Range::from));
        List<Range> merged = new ArrayList<>();
        for (Range range : sorted) {
            Range last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            if (last != null && range.from <= last.to + 1) {
                merged.set(merged.size() - 1, new Range(last.from, Math.max(last.to, range.to)));
            } else {
                merged.add(range);
            }
        }
        return new CharSet(List.copyOf(merged));
    }

    CharSet union(CharSet other) {
        List<Range> both = new ArrayList<>(ranges);
        both.addAll(other.ranges);
        return merged(both);
    }

    /** The characters of this set that are not in the other; surrogates are in none. */
    CharSet minus(CharSet other) {
        return intersect(other.complement());
    }

    CharSet complement() {
        List<Range> gaps = new ArrayList<>();
        int next = 0;
        for (Range range : ranges) {
            if (range.from > next) {
                gaps.add(new Range(next, range.from - 1));
            }
            next = range.to + 1;
        }
        if (next <= Character.MAX_CODE_POINT) {
            gaps.add(new Range(next, Character.MAX_CODE_POINT));
        }
        return new CharSet(gaps).intersect(ALL);
    }

    CharSet intersect(CharSet other) {
        List<Range> common = new ArrayList<>();
        for (Range a : ranges) {
            for (Range b : other.ranges) {
                int from = Math.max(a.from, b.from);
                int to = Math.min(a.to, b.to);
                if (from <= to) {
                    common.add(new Range(from, to));
                }
            }
        }
        return new CharSet(List.copyOf(common));
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    boolean contains(int character) {
        return ranges.stream().anyMatch(range -> range.from <= character && character <= range.to);
    }

    List<Range> ranges() {
        return ranges;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CharSet set && set.ranges.equals(ranges);
    }

    @Override
    public int hashCode() {
        return ranges.hashCode();
    }

    @Override
    public String toString() {
        return Arrays.toString(ranges.toArray());
    }
}
