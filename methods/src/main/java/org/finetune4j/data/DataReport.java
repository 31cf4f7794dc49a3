package org.finetune4j.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What happened to rows while they were read: what their records were taken for and why, and what was left out. */
public final class DataReport {
    private final Map<String, Long> counts = new LinkedHashMap<>();
    private final Map<String, String> notes = new LinkedHashMap<>();

    /** Counts one more row under these words, such as {@code train.jsonl: read as messages}. */
    public void count(String words) {
        counts.merge(words, 1L, Long::sum);
    }

    /** Says something once; what is said later under the same subject replaces it. */
    public void note(String subject, String words) {
        notes.put(subject, words);
    }

    /** All of it, a sentence without a full stop each, in the order in which it was first said. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        counts.forEach((words, count) -> lines.add(words + ": " + String.format(Locale.ROOT, "%,d", count)));
        lines.addAll(notes.values());
        return lines;
    }
}
