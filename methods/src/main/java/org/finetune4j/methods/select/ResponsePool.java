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
import org.finetune4j.tokenizer.JsonText;
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
     * @param origin  the sample that offered it
     * @param message the assistant's turn, with all that it thinks and calls
     * @param source  where it came from
     */
    record Response(Sample origin, Message message, String source) {
        /** The sample with this response as its assistant turn. */
        Sample sample() {
            return origin.withResponse(message);
        }

        /** What it says. */
        String text() {
            return message.text();
        }
    }

    /** What makes prompts equal: the turns, in which white space is collapsed, and the tools that may be called. */
    private record Prompt(List<Message> turns, List<JsonText> tools) {
        static Prompt of(Sample sample) {
            return new Prompt(sample.prompt().stream().map(turn ->
                    turn.withContent(turn.text().strip().replaceAll("\\s+", " "))).toList(),
                    sample.conversation().tools());
        }
    }

    /**
     * Gathers the responses of samples whose prompts and tools are equal once white space is collapsed. A response is a
     * repetition when it says, thinks and calls what an earlier one does, but for white space at the ends of its text.
     *
     * @throws FinetuneException when a response neither says nor calls anything
     */
    static ResponsePool of(List<Sample> samples) {
        Map<Prompt, List<Response>> prompts = new LinkedHashMap<>();
        Map<Prompt, Set<Message>> seen = new LinkedHashMap<>();
        int repeated = 0;
        for (Sample sample : samples) {
            Prompt key = Prompt.of(sample);
            for (Response response : responses(sample)) {
                Message message = response.message();
                if (message.text().isBlank() && message.toolCalls().isEmpty()) {
                    throw new FinetuneException("grape: empty candidate for prompt " + sample.id() + " from "
                            + response.source() + ". Give it a text or remove it.");
                }
                if (seen.computeIfAbsent(key, any -> new HashSet<>()).add(
                        message.withContent(message.text().strip()))) {
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
            responses.add(new Response(sample, Message.assistant(candidate.text()), candidate.source()));
        }
        List<Message> turns = sample.messages();
        if (responses.isEmpty() && sample.prompt().size() < turns.size()) {
            int line = sample.id().lastIndexOf(':');
            String file = line > 0 ? sample.id().substring(0, line) : sample.id();
            responses.add(new Response(sample, turns.get(turns.size() - 1),
                    sample.fields().getOrDefault("source", file)));
        }
        return responses;
    }
}
