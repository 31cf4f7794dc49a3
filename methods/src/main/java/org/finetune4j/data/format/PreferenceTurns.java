package org.finetune4j.data.format;

import java.util.List;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * A prompt and two ways to go on.
 *
 * @param prompt   the turns before
 * @param chosen   the better way
 * @param rejected the other one
 */
record PreferenceTurns(List<Message> prompt, List<Message> chosen, List<Message> rejected) {
    /**
     * Parts conversations into prompt and responses. Without a prompt of its own, it is what both conversations begin
     * with; a prompt that both repeat is taken out of them.
     */
    static PreferenceTurns of(@Nullable List<Message> prompt, List<Message> chosen, List<Message> rejected,
                              RecordParts parts) {
        int common = 0;
        while (common < Math.min(chosen.size(), rejected.size()) && chosen.get(common).equals(rejected.get(common))) {
            common++;
        }
        boolean repeats = !chosen.get(0).isAssistant() || !rejected.get(0).isAssistant();
        // What both say alike is still a response where it is the assistant's last word.
        while (common > 0 && chosen.get(common - 1).isAssistant() && (common == chosen.size()
                || common == rejected.size())) {
            common--;
        }
        List<Message> asked = prompt == null || repeats ? chosen.subList(0, common) : prompt;
        boolean fits = prompt == null || !repeats || asked.equals(prompt)
                || prompt.get(0).role().equals("system") && asked.equals(prompt.subList(1, prompt.size()));
        if (!fits) {
            throw parts.refused(parts.quoted(Part.CHOSEN) + " and " + parts.quoted(Part.REJECTED)
                    + " that do not begin with "
                    + parts.quoted(Part.PROMPT), "Give responses alone, or conversations that repeat the prompt");
        }
        int from = repeats || prompt == null ? common : 0;
        if (asked.isEmpty()) {
            throw parts.refused(parts.quoted(Part.CHOSEN) + " and " + parts.quoted(Part.REJECTED)
                    + " that begin differently, and no prompt", "Say by fields(prompt = ...) where the prompt is");
        }
        List<Message> better = chosen.subList(from, chosen.size());
        List<Message> worse = rejected.subList(from, rejected.size());
        if (better.isEmpty() || worse.isEmpty() || !better.get(0).isAssistant() || !worse.get(0).isAssistant()) {
            throw parts.refused(parts.quoted(Part.CHOSEN) + " and " + parts.quoted(Part.REJECTED)
                    + " that do not part at an assistant's turn", "Give two responses to one prompt");
        }
        return new PreferenceTurns(prompt != null ? prompt : asked, better, worse);
    }
}
