package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.puzzle.WordPool;
import org.finetune4j.tokenizer.Message;

/**
 * Prompt diversity for data of one's own: words of the prompt that name something by convention are replaced, in every
 * sample anew, by words drawn from a pool, in prompt, response, reasoning, candidates and answer alike.
 *
 * <p>Debunk the Myth of SFT Generalization, arXiv 2510.00237. A label is replaced where it stands as a whole word,
 * upper and lower case told apart; all replacements of a sample differ and none stands in the sample before. Where a text
 * says what a label means by its own name, as in "Up is Up", the second stays, so that the new word means the same. A
 * sample without any of the labels stays as it is and is counted.
 *
 * @param labels the words that are replaced, different and not blank
 * @param copies how often a sample is given, each time with other words, at least 1; as many copies as epochs, trained on
 *               for one epoch, draw them again in every epoch; default 1
 * @param seed   decides the draws
 */
public record Diversified(List<String> labels, int copies, long seed) implements DataTransform {
    /** Prompt diversity, 2025. */
    public static final Method<Diversified> METHOD = new Method<>("diversify", Method.Kind.DATA,
            "Debunk the Myth of SFT Generalization (prompt diversity)", "arXiv 2510.00237",
            settings -> new Diversified(settings.texts("labels", List.of("Up", "Down", "Left", "Right")),
                    settings.whole("copies", 1), settings.whole("seed", 42L)));

    /** Refuses labels that cannot be told apart with a {@link FinetuneException}. */
    public Diversified {
        labels = List.copyOf(labels);
        Settings.require(!labels.isEmpty() && labels.stream().noneMatch(String::isBlank)
                && labels.stream().distinct().count() == labels.size() && labels.size() <= WordPool.WORDS.size() / 2,
                "diversify", "labels", labels, "different words, at least 1 and at most " + WordPool.WORDS.size() / 2);
        Settings.require(copies >= 1, "diversify", "copies", copies, "at least 1");
    }

    @Override
    public Method<Diversified> method() {
        return METHOD;
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        return SampleStream.each(METHOD.name(), source.open(report), new SampleStream.Change() {
            private int index;

            @Override
            public List<Sample> of(Sample sample) {
                List<Sample> made = new ArrayList<>();
                for (int copy = 0; copy < copies; copy++) {
                    Sample changed = changed(sample, index++, report);
                    made.add(copies == 1 ? changed : new Sample(sample.id() + "#" + (copy + 1), changed.conversation(),
                            changed.candidates(), changed.answer(), changed.fields(), sample.provenance().madeOf(sample.id())));
                }
                return made;
            }
        });
    }

    private Sample changed(Sample sample, int index, DataReport report) {
        String all = sample.messages().stream().map(turn -> turn.text() + "\n" + (turn.reasoning() == null ? ""
                : turn.reasoning())).collect(Collectors.joining("\n"));
        if (!words(labels).matcher(all).find()) {
            report.count("without a label to diversify");
            return sample;
        }
        String lower = all.toLowerCase(Locale.ROOT);
        List<String> free = WordPool.WORDS.stream().filter(word -> !lower.contains(word)).toList();
        if (free.size() < labels.size()) {
            throw new FinetuneException("diversify: " + sample.id() + " already holds so many words of the pool that "
                    + labels.size() + " new ones cannot be told apart. Leave it out.");
        }
        List<String> drawn = new Draws(seed, "diversify", index).sample(free, labels.size());
        Map<String, String> names = new LinkedHashMap<>();
        for (int i = 0; i < labels.size(); i++) {
            names.put(labels.get(i), drawn.get(i));
        }
        return renamed(sample, names);
    }

    private Sample renamed(Sample sample, Map<String, String> names) {
        List<Message> turns = new ArrayList<>();
        for (Message turn : sample.messages()) {
            String reasoning = turn.reasoning();
            turns.add((turn.content() == null ? turn : turn.withContent(renamed(turn.text(), names)))
                    .withReasoning(reasoning == null ? null : renamed(reasoning, names)));
        }
        Map<String, String> fields = new HashMap<>(sample.fields());
        names.forEach((label, name) -> fields.put("label." + label, name));
        String answer = sample.answer();
        return new Sample(sample.id(), sample.conversation().withMessages(turns), sample.candidates().stream()
                .map(one -> new Sample.Candidate(renamed(one.text(), names), one.source())).toList(),
                answer == null ? null : renamed(answer, names), fields, sample.provenance().madeOf(sample.id()));
    }

    private String renamed(String text, Map<String, String> names) {
        return words(labels).matcher(text).replaceAll(found -> Matcher.quoteReplacement(isMeaning(text, found) ? found.group()
                : names.getOrDefault(found.group(), found.group())));
    }

    /** Whether this label stands behind itself as what it means. */
    private static boolean isMeaning(String text, MatchResult found) {
        return text.substring(0, found.start()).endsWith(found.group() + " is ");
    }

    /** Longer labels first, so that none is taken for a part of itself. */
    private static Pattern words(List<String> labels) {
        return Pattern.compile(labels.stream().sorted((a, b) -> b.length() - a.length()).map(Pattern::quote)
                .collect(Collectors.joining("|", "(?<![\\p{L}\\p{N}_])(?:", ")(?![\\p{L}\\p{N}_])")));
    }
}
