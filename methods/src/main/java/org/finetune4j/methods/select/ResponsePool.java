package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.tokenizer.Message;

/**
 * The different responses to every prompt, from however many samples and files.
 *
 * @param prompts  the responses to each prompt, prompts and responses in the order of the samples
 * @param repeated how many responses were dropped because the same prompt had the same response before
 */
record ResponsePool(List<List<Response>> prompts, int repeated) {
    /**
     * One response to a prompt.
     *
     * @param origin the sample that offered it
     * @param text   its text
     * @param source where it came from
     */
    record Response(Sample origin, String text, String source) {
        /** The sample with this response as its assistant turn. */
        Sample sample() {
            return origin.withResponse(text);
        }
    }

    /**
     * Gathers the responses of samples whose prompts are equal once white space is collapsed. A response is a
     * repetition when it equals an earlier one but for white space at its ends.
     *
     * @throws FinetuneException when a response is blank
     */
    static ResponsePool of(List<Sample> samples) {
        Map<List<Message>, List<Response>> prompts = new LinkedHashMap<>();
        Map<List<Message>, Set<String>> seen = new LinkedHashMap<>();
        int repeated = 0;
        for (Sample sample : samples) {
            List<Message> key = sample.prompt().stream().map(turn ->
                    turn.withContent(turn.text().strip().replaceAll("\\s+", " "))).toList();
            for (Response response : responses(sample)) {
                if (response.text().isBlank()) {
                    throw new FinetuneException("grape: empty candidate for prompt " + sample.id() + " from "
                            + response.source() + ". Give it a text or remove it.");
                }
                if (seen.computeIfAbsent(key, any -> new HashSet<>()).add(response.text().strip())) {
                    prompts.computeIfAbsent(key, any -> new ArrayList<>()).add(response);
                } else {
                    repeated++;
                }
            }
        }
        return new ResponsePool(prompts.values().stream().map(List::copyOf).toList(), repeated);
    }

    private static List<Response> responses(Sample sample) {
        List<Response> responses = new ArrayList<>();
        for (Candidate candidate : sample.candidates()) {
            responses.add(new Response(sample, candidate.text(), candidate.source()));
        }
        List<Message> turns = sample.messages();
        if (responses.isEmpty() && sample.prompt().size() < turns.size()) {
            int line = sample.id().lastIndexOf(':');
            String file = line > 0 ? sample.id().substring(0, line) : sample.id();
            responses.add(new Response(sample, turns.get(turns.size() - 1).text(),
                    sample.fields().getOrDefault("source", file)));
        }
        return responses;
    }
}
