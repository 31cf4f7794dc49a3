package org.finetune4j.methods.decode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.data.Draws;
import org.finetune4j.methods.evaluate.References;
import org.finetune4j.tokenizer.Message;

/** Solved samples that are put before a question, as earlier turns of the conversation. */
public final class Demonstrations {
    /** Which samples of a pool are put before a question. */
    public enum Retrieve {
        /** A random choice. */
        RANDOM,
        /** A random choice with as many of each answer as can be. */
        BALANCE,
        /** The first of the pool, the same for all but themselves, as in a few-shot prompt. */
        FIXED
    }

    private static final String PLACE = "{prompt}";

    private Demonstrations() {
    }

    /**
     * Draws demonstrations.
     *
     * @param pool  solved samples
     * @param asked what is asked, which is never among them, nor is another sample with its prompt
     * @param count how many, at least 1
     * @param seed  the same gives the same, but for what is asked
     * @throws FinetuneException when the pool has fewer
     */
    public static List<Sample> draw(String method, List<Sample> pool, Sample asked, int count, Retrieve retrieve, long seed) {
        List<Sample> order = retrieve == Retrieve.FIXED ? new ArrayList<>(pool)
                : new Draws(seed, "demonstrations", 0).shuffled(pool);
        order.removeIf(sample -> sample.id().equals(asked.id()) || sample.prompt().equals(asked.prompt()));
        if (order.size() < count) {
            throw new FinetuneException(method + ": the pool has " + order.size() + " samples besides " + asked.id() + ", but "
                    + count + " demonstrations are to be drawn of it. Give a larger pool, or ask for fewer.");
        }
        return retrieve == Retrieve.BALANCE ? balanced(order, count, seed) : order.subList(0, count);
    }

    /** Takes turns with the answers, and mixes what was taken. */
    private static List<Sample> balanced(List<Sample> order, int count, long seed) {
        Map<String, List<Sample>> byAnswer = new LinkedHashMap<>();
        order.forEach(sample -> byAnswer.computeIfAbsent(String.valueOf(References.of(sample)), unseen -> new ArrayList<>())
                .add(sample));
        List<Sample> drawn = new ArrayList<>();
        for (int round = 0; drawn.size() < count; round++) {
            for (List<Sample> same : byAnswer.values()) {
                if (round < same.size() && drawn.size() < count) {
                    drawn.add(same.get(round));
                }
            }
        }
        return new Draws(seed, "order of demonstrations", 0).shuffled(drawn);
    }

    /**
     * Refuses samples that cannot be demonstrations.
     *
     * @throws FinetuneException naming the first of them
     */
    public static void require(String method, List<Sample> pool) {
        for (Sample sample : pool) {
            if (sample.isDocument() || References.of(sample) == null || sample.prompt().isEmpty()) {
                throw new FinetuneException(method + ": " + sample.id() + " of the pool has no prompt with an answer or a "
                        + "response to show. Give it one, or leave it out.");
            }
        }
    }

    /**
     * A question behind demonstrations; what stands before the question's last turn comes first.
     *
     * @param template how a question is put, with {@code {prompt}} in its place
     * @param solution what is shown as a demonstration's solution
     */
    public static Sample before(Sample asked, List<Sample> demonstrations, String template,
                                Function<Sample, String> solution) {
        List<Message> prompt = asked.prompt();
        List<Message> turns = new ArrayList<>(prompt.subList(0, prompt.size() - 1));
        for (Sample demonstration : demonstrations) {
            turns.add(put(demonstration.prompt().get(demonstration.prompt().size() - 1), template));
            turns.add(Message.assistant(solution.apply(demonstration)));
        }
        turns.add(put(prompt.get(prompt.size() - 1), template));
        if (asked.response() != null) {
            turns.add(asked.messages().get(asked.messages().size() - 1));
        }
        return new Sample(asked.id(), asked.conversation().withMessages(turns), asked.candidates(), asked.answer(),
                asked.fields(), asked.provenance());
    }

    /** The short answer of a sample or, without one, its response: what a choice is compared with. */
    public static String answer(Sample sample) {
        return String.valueOf(References.of(sample));
    }

    /** The whole response of a sample or, without one, its answer: what is learned. */
    public static String response(Sample sample) {
        String response = sample.response();
        return response != null ? response : answer(sample);
    }

    private static Message put(Message question, String template) {
        return question.withContent(template.replace(PLACE, question.text()));
    }

    /** Whether a template says where the question goes. */
    static boolean isTemplate(String template) {
        return template.contains(PLACE);
    }
}
