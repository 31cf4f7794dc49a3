package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.tokenizer.Conversation;
import org.jspecify.annotations.Nullable;

/**
 * Asks a model for answers to samples until a judge accepts one.
 *
 * @param source   the model
 * @param decoding how answers are drawn
 * @param tries    answers to each sample at most
 * @param seed     of the draws
 */
record OwnAnswers(TextSource source, Decoding decoding, int tries, long seed) {
    /**
     * What became of one sample.
     *
     * @param text    the first answer that was accepted, else the last one, or null when none was whole and not empty
     * @param verdict on that answer
     * @param taken   whether it is what the sample is trained with
     */
    record Outcome(@Nullable String text, Verdict verdict, boolean taken) {
        /** The answer that the sample is trained with, or null. */
        @Nullable String accepted() {
            return taken ? text : null;
        }

        /** Whether there is an answer. */
        boolean generated() {
            return text != null;
        }

        /** The same, trained with or not whatever the verdict. */
        Outcome taken(boolean other) {
            return new Outcome(text, verdict, other && text != null);
        }
    }

    /** Judges replies, in order. */
    interface Judging {
        /** The verdicts. */
        List<Verdict> of(List<Reply> replies);
    }

    /**
     * Asks and judges.
     *
     * @param stage   what to call it
     * @param prompts what the model is asked about a sample
     * @return what became of each sample, in order
     */
    List<Outcome> of(List<Sample> samples, String stage, Function<Sample, Conversation> prompts, Judging judging,
                     SelectionContext context) {
        Outcome[] outcomes = new Outcome[samples.size()];
        Arrays.fill(outcomes, new Outcome(null, Verdict.REJECTED, false));
        for (int attempt = 0; attempt < tries; attempt++) {
            List<Integer> open = IntStream.range(0, outcomes.length).filter(i -> outcomes[i].accepted() == null).boxed()
                    .toList();
            long own = CounterRandom.seed(seed, stage, attempt);
            List<TextAnswer> answers = context.answer(source, stage, open.stream().map(i -> new TextRequest(
                    samples.get(i).id(), prompts.apply(samples.get(i)), decoding, CounterRandom.bits(own, i)))
                    .toList());
            // An answer that was cut off or says nothing is not right, whatever stands in it.
            List<Integer> whole = new ArrayList<>();
            List<Reply> replies = new ArrayList<>();
            for (int j = 0; j < open.size(); j++) {
                String text = AnswerText.of(answers.get(j));
                if (answers.get(j).complete() && !text.isEmpty()) {
                    whole.add(open.get(j));
                    replies.add(new Reply(samples.get(open.get(j)), text));
                }
            }
            List<Verdict> verdicts = judging.of(replies);
            for (int j = 0; j < whole.size(); j++) {
                boolean accepted = verdicts.get(j) == Verdict.ACCEPTED;
                outcomes[whole.get(j)] = new Outcome(replies.get(j).text(), verdicts.get(j), accepted);
            }
        }
        return List.of(outcomes);
    }
}
