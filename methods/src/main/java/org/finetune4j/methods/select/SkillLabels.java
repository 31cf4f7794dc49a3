package org.finetune4j.methods.select;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Sample;

/**
 * The skills that samples exercise.
 *
 * @param field of a data record that holds them: a list of texts, or a text with commas between
 */
record SkillLabels(String field) {
    /** The skills of a sample, none twice; empty when it has none. */
    List<String> of(Sample sample) {
        String text = sample.fields().getOrDefault(field, "").strip();
        return of(text);
    }

    /** The skills that a text names: a list in JSON, or with commas or line breaks between. */
    static List<String> of(String text) {
        List<String> names = new ArrayList<>();
        if (text.startsWith("[")) {
            try {
                JsonNode list = StrictJson.mapper().readTree(text);
                list.forEach(node -> names.add(node.asText()));
            } catch (JsonProcessingException e) {
                // What is no list in JSON is read as text.
                names.addAll(Arrays.asList(text.split("[,\\n]")));
            }
        } else {
            names.addAll(Arrays.asList(text.split("[,\\n]")));
        }
        return names.stream().map(name -> name.strip().replaceAll("^(?:[0-9]+[.)]|[-*\\[\"']+)\\s*|[\\]\"'.]+$", ""))
                .filter(name ->
                !name.isEmpty()).collect(java.util.stream.Collectors.collectingAndThen(
                java.util.stream.Collectors.toCollection(LinkedHashSet::new), List::copyOf));
    }

    /** The places of the samples that exercise each skill, by skill in order. */
    Map<String, List<Integer>> map(List<Sample> samples) {
        Map<String, List<Integer>> map = new TreeMap<>();
        for (int i = 0; i < samples.size(); i++) {
            int place = i;
            of(samples.get(i)).forEach(skill -> map.computeIfAbsent(skill, missing -> new ArrayList<>()).add(place));
        }
        return map;
    }
}
