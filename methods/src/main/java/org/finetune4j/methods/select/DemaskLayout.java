package org.finetune4j.methods.select;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.MaskToken;
import org.finetune4j.methods.objective.ExamplePreparation;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;

/**
 * Lays samples out as exercises to restore them, as {@link Demask} says. The template is encoded with the mask token in
 * the place of the document, which is then put in as it is tokenized by itself.
 */
final class DemaskLayout {
    /** The column that holds the mask token's id for each token that may be masked, and {@link #FIXED} for others. */
    static final String COLUMN = "demask";
    /** What {@link #COLUMN} holds for tokens that are never masked. */
    static final float FIXED = -1;

    private final Demask method;
    private final ExamplePreparation preparation;
    private final Tokenizer tokenizer;
    private final int mask;

    DemaskLayout(Demask method, ExamplePreparation preparation) {
        this.method = method;
        this.preparation = preparation;
        tokenizer = preparation.tokenizer();
        mask = MaskToken.of("demask", method.maskToken(), tokenizer, preparation.stopIds());
    }

    ExamplePreparation.Prepared prepared() {
        List<Sample> exercises = new ArrayList<>();
        Map<String, Sample> sources = new HashMap<>();
        Set<String> laidOutIds = new HashSet<>();
        long draws = CounterRandom.seed(preparation.seed(), "demask plain", 0);
        for (Sample sample : preparation.samples()) {
            boolean plain = !sample.isDocument()
                    && CounterRandom.uniform(CounterRandom.seed(draws, sample.id(), 0), 0) < method.plainShare();
            if (!plain) {
                // Several responses to one prompt have one name.
                String key = laidOutIds.add(sample.id()) ? sample.id() : sample.id() + "~" + exercises.size();
                exercises.add(template(sample).withId(key));
                sources.put(key, sample);
            }
        }
        List<Example> laidOut = new ArrayList<>();
        for (Example example : preparation.examples()) {
            // A sample that was cut has pieces with names of their own.
            if (!laidOutIds.contains(example.id()) && !laidOutIds.contains(example.id().replaceFirst("#\\d+$", ""))) {
                laidOut.add(example.withColumn(COLUMN, FIXED));
            }
        }
        int asTheyAre = laidOut.size();
        if (!exercises.isEmpty()) {
            for (Example template : preparation.encoder().encode(exercises).examples()) {
                laidOut.addAll(filled(template, Objects.requireNonNull(sources.get(template.id()))));
            }
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("laid out to be restored", String.valueOf(laidOut.size() - asTheyAre));
        report.put("left as they are", String.valueOf(asTheyAre));
        report.put("mask token", tokenizer.decode(new int[] {mask}, false));
        return new ExamplePreparation.Prepared(laidOut, report);
    }

    /** The sample as it is asked for and answered, with the mask token in the places of the text. */
    private Sample template(Sample sample) {
        String token = tokenizer.decode(new int[] {mask}, false);
        List<Message> turns = new ArrayList<>();
        if (sample.isDocument()) {
            turns.add(Message.user(token + method.request()));
        } else {
            turns.addAll(sample.prompt());
            Message last = turns.remove(turns.size() - 1);
            if (!last.role().equals("user")) {
                throw new FinetuneException("demask: " + sample.id()
                        + " has no turn of a user before its response, to which "
                        + "the masked copy could be added. Give it a prompt, or leave it out.");
            }
            turns.add(Message.user(last.text() + "\n" + token + method.request()));
        }
        turns.add(Message.assistant(method.leadIn() + token));
        return new Sample(sample.id(), sample.conversation().withMessages(turns), List.of(), sample.answer(),
                sample.fields(), sample.provenance());
    }

    private List<Example> filled(Example template, Sample sample) {
        int[] places = IntStream.range(0, template.ids().length).filter(i -> template.ids()[i] == mask).toArray();
        if (places.length != 2) {
            throw new FinetuneException("demask: " + sample.id() + " holds the mask token "
                    + tokenizer.decode(new int[] {mask}, false)
                    + " itself, or is cut before its answer. Take the token out "
                    + "of the text or name another as maskToken.");
        }
        int most = (preparation.encoder().maxLength() - template.ids().length + 2) / 2;
        String text = String.valueOf(sample.isDocument() ? sample.fields().get(Sample.DOCUMENT) : sample.response());
        List<int[]> parts = parts(sample, text, most);
        return IntStream.range(0, parts.size()).mapToObj(i -> filled(template, places, parts.get(i),
                parts.size() == 1 ? sample.id() : sample.id() + "#" + (i + 1))).toList();
    }

    /** The text's tokens; of a document that is too long, as many sentences at a time as fit. */
    private List<int[]> parts(Sample sample, String text, int most) {
        int[] whole = tokens(sample, text);
        if (whole.length <= most) {
            return List.of(whole);
        }
        if (!sample.isDocument()) {
            throw tooLong(sample, whole.length, most, "response");
        }
        List<int[]> parts = new ArrayList<>();
        BreakIterator sentences = BreakIterator.getSentenceInstance(Locale.ROOT);
        sentences.setText(text);
        int from = 0;
        int[] part = new int[0];
        for (int start = sentences.first(), end = sentences.next(); end != BreakIterator.DONE;
                start = end, end = sentences.next()) {
            int[] longer = tokens(sample, text.substring(from, end));
            if (longer.length > most && part.length > 0) {
                parts.add(part);
                from = start;
                longer = tokens(sample, text.substring(from, end));
            }
            if (longer.length > most) {
                throw tooLong(sample, longer.length, most, "sentence");
            }
            part = longer;
        }
        parts.add(part);
        return parts;
    }

    private FinetuneException tooLong(Sample sample, int length, int most, String what) {
        return new FinetuneException("demask: a " + what + " of " + sample.id() + " has " + length
                + " tokens, of which two "
                + "copies do not fit into " + preparation.encoder().maxLength() + " tokens; at most " + most
                + " do. Shorten it or raise train.maxLength.");
    }

    private int[] tokens(Sample sample, String text) {
        int[] tokens = tokenizer.encode(text, false).ids();
        if (tokens.length == 0 || Arrays.stream(tokens).anyMatch(id -> id == mask)) {
            throw new FinetuneException("demask: " + sample.id() + (tokens.length == 0 ? " is empty. Leave it out."
                    : " holds the mask token itself. Take it out of the text or name another as maskToken."));
        }
        return tokens;
    }

    /** The template with these tokens in the two places of the mask token. */
    private Example filled(Example template, int[] places, int[] tokens, String id) {
        int added = tokens.length - 1;
        int[] ids = new int[template.ids().length + 2 * added];
        boolean[] supervised = new boolean[ids.length];
        float[] maskable = new float[ids.length];
        Arrays.fill(maskable, FIXED);
        int at = 0;
        for (int i = 0; i < template.ids().length; i++) {
            boolean copy = i == places[0];
            if (!copy && i != places[1]) {
                supervised[at] = i > places[1] && template.supervised()[i];
                ids[at++] = template.ids()[i];
                continue;
            }
            System.arraycopy(tokens, 0, ids, at, tokens.length);
            if (copy) {
                Arrays.fill(maskable, at, at + tokens.length, mask);
            } else {
                Arrays.fill(supervised, at, at + tokens.length, true);
            }
            at += tokens.length;
        }
        return new Example(id, ids, supervised).withColumn(COLUMN, maskable);
    }
}
