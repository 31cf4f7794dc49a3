package org.finetune4j.data;

import java.util.List;
import java.util.Set;
import org.finetune4j.FinetuneException;

/**
 * The names under which a record keeps its parts.
 *
 * @param prompt    a text that becomes the user's turn
 * @param response  a text that becomes the assistant's turn
 * @param system    an optional text that becomes a system turn before the prompt
 * @param messages  a list of {@code {"role", "content"}}
 * @param responses a list of candidate responses: texts, or {@code {"text", "source"}}
 * @param answer    an optional reference answer for evaluation
 * @param text      a plain document
 */
public record FieldMapping(String prompt, String response, String system, String messages, String responses,
                           String answer, String text) {
    /** Refuses two parts under one name. */
    public FieldMapping {
        List<String> names = List.of(prompt, response, system, messages, responses, answer, text);
        if (Set.copyOf(names).size() < names.size()) {
            throw new FinetuneException("the fields " + names + " name two parts alike. Give every part its own field.");
        }
    }

    /** The usual names: {@code prompt, response, system, messages, responses, answer, text}. */
    public static FieldMapping standard() {
        return new FieldMapping("prompt", "response", "system", "messages", "responses", "answer", "text");
    }

    /** These names with others for prompt and response, such as {@code question} and {@code solution}. */
    public FieldMapping withPromptAndResponse(String newPrompt, String newResponse) {
        return new FieldMapping(newPrompt, newResponse, system, messages, responses, answer, text);
    }

    /** These names with another one for the candidate responses. */
    public FieldMapping withResponses(String newResponses) {
        return new FieldMapping(prompt, response, system, messages, newResponses, answer, text);
    }

    /** These names with another one for the reference answer. */
    public FieldMapping withAnswer(String newAnswer) {
        return new FieldMapping(prompt, response, system, messages, responses, newAnswer, text);
    }

    /** These names with another one for a plain document. */
    public FieldMapping withText(String newText) {
        return new FieldMapping(prompt, response, system, messages, responses, answer, newText);
    }
}
