package org.finetune4j.methods.select;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;

/** What is known of the critiques. */
final class CritiqueTally {
    private int cut;
    private int without;
    private int right;
    private int wrong;
    private int checked;
    private int agreed;
    private int stating;
    private int dropped;
    private long characters;

    /** Counts critiques that were cut off. */
    void cut(int count) {
        cut += count;
    }

    /** Counts a critique and tells whether it is kept. */
    boolean keeps(Sample sample, String text, Cft settings) {
        Optional<Boolean> verdict = CritiqueFormat.verdict(text);
        if (verdict.isEmpty()) {
            without++;
            return false;
        }
        right += verdict.get() ? 1 : 0;
        wrong += verdict.get() ? 0 : 1;
        characters += text.length();
        boolean states = sample.answer() != null && check(sample, verdict.get(), text);
        boolean drop = settings.dropVerdict() == (verdict.get() ? Cft.DropVerdict.RIGHT : Cft.DropVerdict.WRONG)
                || settings.hideAnswer() && states;
        dropped += drop ? 1 : 0;
        return !drop;
    }

    /** Compares the verdict with a rule, and tells whether the critique states the reference answer. */
    private boolean check(Sample sample, boolean verdict, String text) {
        boolean isRight = new ExactAnswer().judge(List.of(new Reply(sample, String.valueOf(sample.response()))),
                (source, stage, requests) -> List.of()).get(0) == Verdict.ACCEPTED;
        checked++;
        agreed += isRight == verdict ? 1 : 0;
        boolean states = ExactMatch.gsm8kFlexible().answer(String.valueOf(sample.answer())).filter(answer ->
                Pattern.compile("(?<![0-9.])" + Pattern.quote(answer) + "(?![0-9])")
                        .matcher(text).find()).isPresent();
        stating += states ? 1 : 0;
        return states;
    }

    /** The counts in words. */
    Map<String, String> report(int kept) {
        Map<String, String> report = new LinkedHashMap<>();
        int all = right + wrong;
        report.put("critiques kept", String.valueOf(kept));
        report.put("cut off", String.valueOf(cut));
        report.put("without one verdict", String.valueOf(without));
        report.put("verdict right", share(right, all));
        report.put("verdict wrong", share(wrong, all));
        report.put("left out by verdict or answer", String.valueOf(dropped));
        if (checked > 0) {
            report.put("verdict as the rule has it", share(agreed, checked));
            report.put("state the reference answer", share(stating, checked));
        }
        report.put("mean length in characters", String.valueOf(all == 0 ? 0 : characters / all));
        return report;
    }

    private static String share(int part, int whole) {
        return String.format(Locale.ROOT, "%.1f %% (%d)", whole == 0 ? 0 : 100.0 * part / whole, part);
    }
}
