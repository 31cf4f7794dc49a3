package org.finetune4j.methods.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * Where samples keep the choices of a question and the right one, and how the model is asked.
 *
 * <p>The field of choices holds a list of texts, or an object whose {@code text} is one and whose {@code label} may name
 * them. The right one is a place counted from 0, a label or a letter from A, or the text of a choice.
 *
 * @param field     of a record that holds the choices; where it has no such field, {@code labels} are
 * @param labels    the choices of every sample that has none of its own; may be empty
 * @param gold      the field that holds the right one, or {@code answer} for the sample's reference
 * @param form      what is asked for
 * @param delimiter what stands before each choice
 */
record Choices(String field, List<String> labels, String gold, ChoiceForm form, String delimiter) {
    /** The field of choices unless another is named. */
    static final String FIELD = "choices";
    /** The right choice unless another field is named: the reference of the sample. */
    static final String ANSWER = "answer";

    private static final int LETTERS = 26;

    /** As a metric's settings say. */
    Choices(ChoiceMetric metric) {
        this(metric.choices(), metric.labels(), metric.gold(), metric.form(), metric.delimiter());
    }

    /** What a sample says of its choices. */
    private record Listed(List<String> texts, List<String> names) {
    }

    /** Reads the questions of samples. */
    List<ChoiceQuestion> questions(String metric, List<Sample> samples) {
        References.requirePrompts(metric, samples);
        return samples.stream().map(sample -> question(metric, sample)).toList();
    }

    private ChoiceQuestion question(String metric, Sample sample) {
        Listed listed = listed(metric, sample);
        List<String> texts = listed.texts();
        int count = texts.size();
        if (count < 2) {
            throw new FinetuneException(metric + ": " + sample.id() + " has " + count + " choice in '" + field
                    + "', of which nothing can be chosen. Give at least 2, or leave the sample out.");
        }
        if (form == ChoiceForm.LETTERS && count > LETTERS) {
            throw new FinetuneException(metric + ": " + sample.id() + " has " + count + " choices, more than there are "
                    + "letters. Choose the form TEXTS.");
        }
        int right = right(metric, sample, listed);
        List<String> said = form == ChoiceForm.TEXTS ? texts : IntStream.range(0, count).mapToObj(Choices::letter).toList();
        Sample prompt = form == ChoiceForm.TEXTS ? sample : withList(sample, texts);
        return new ChoiceQuestion(prompt, texts, said.stream().map(text -> delimiter + text).toList(), right);
    }

    private Listed listed(String metric, Sample sample) {
        String text = sample.fields().get(field);
        if (text == null) {
            if (labels.isEmpty()) {
                throw new FinetuneException(metric + ": " + sample.id() + " has no field '" + field + "' with choices; it has "
                        + sample.fields().keySet().stream().sorted().toList() + " besides prompt and answer. Name the field by "
                        + "choices = ..., or the choices of all samples by labels = ...");
            }
            return new Listed(labels, List.of());
        }
        JsonNode node = json(text);
        List<String> texts = texts(node == null ? null : node.isObject() ? node.path("text") : node);
        List<String> names = node != null && node.isObject() ? texts(node.path("label")) : List.of();
        if (texts.isEmpty()) {
            throw new FinetuneException(metric + ": " + sample.id() + " has '" + field + "' that is " + text
                    + ". Give a list of texts, or an object with such a list as 'text'.");
        }
        return new Listed(texts, names);
    }

    private static @Nullable JsonNode json(String text) {
        try {
            return StrictJson.mapper().readTree(text);
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    /** A list of texts that are not empty, or nothing. */
    private static List<String> texts(@Nullable JsonNode node) {
        List<String> texts = new ArrayList<>();
        if (node != null && node.isArray()) {
            node.forEach(item -> texts.add(item.isValueNode() && !item.isNull() ? item.asText() : ""));
        }
        return texts.contains("") ? List.of() : texts;
    }

    private int right(String metric, Sample sample, Listed listed) {
        String answer = gold.equals(ANSWER) ? References.of(sample) : sample.fields().get(gold);
        if (answer == null) {
            throw new FinetuneException(metric + ": " + sample.id() + " has no '" + gold + "' that says which choice is right. "
                    + "Name the field that does by gold = ...");
        }
        String told = answer.strip();
        int count = listed.texts().size();
        List<Integer> places = new ArrayList<>();
        if (told.matches("[0-9]{1,4}") && Integer.parseInt(told) < count) {
            places.add(Integer.parseInt(told));
        }
        if (listed.names().isEmpty() && told.length() == 1 && told.charAt(0) >= 'A' && told.charAt(0) < 'A' + count) {
            places.add(told.charAt(0) - 'A');
        }
        // A label that the data give themselves is what they mean, be it a number or not.
        if (listed.names().contains(told)) {
            places.clear();
            places.add(listed.names().indexOf(told));
        } else if (listed.texts().contains(told)) {
            places.add(listed.texts().indexOf(told));
        }
        if (places.isEmpty() || places.stream().distinct().count() > 1) {
            throw new FinetuneException(metric + ": " + sample.id() + " says by '" + gold + "' that '" + told + "' is right, "
                    + (places.isEmpty() ? "which is none of its choices " : "which may mean more than one of its choices ")
                    + listed.texts() + ". Give its place counted from 0, its letter, or its text.");
        }
        return places.get(0);
    }

    private static String letter(int place) {
        return String.valueOf((char) ('A' + place));
    }

    /** The question, a line for each choice, and the word that asks for a letter, as lm-evaluation-harness asks MMLU. */
    private static Sample withList(Sample sample, List<String> texts) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < texts.size(); i++) {
            lines.append('\n').append(letter(i)).append(". ").append(texts.get(i));
        }
        List<Message> turns = new ArrayList<>(sample.prompt());
        Message last = turns.get(turns.size() - 1);
        turns.set(turns.size() - 1, new Message(last.role(), last.text().strip() + lines + "\nAnswer:"));
        return new Sample(sample.id(), sample.conversation().withMessages(turns), List.of(), sample.answer(), sample.fields(),
                sample.provenance());
    }

    /** The conventions as a part of a signature. */
    String signature() {
        return "|choices:" + form.name().toLowerCase(Locale.ROOT) + "|delimiter:'" + delimiter + "'";
    }

    /** Refuses a form of settings that no sample can fit. */
    void require(String metric) {
        Settings.require(!field.isBlank(), metric, "choices", "'" + field + "'", "the name of a field");
        Settings.require(!gold.isBlank(), metric, "gold", "'" + gold + "'", "the name of a field");
        Settings.require(labels.size() != 1, metric, "labels", labels, "at least 2 choices, or none");
        Settings.require(labels.stream().distinct().count() == labels.size(), metric, "labels", labels, "different choices");
    }
}
