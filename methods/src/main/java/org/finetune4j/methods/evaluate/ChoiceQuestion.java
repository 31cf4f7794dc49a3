package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.Examinee.Continuation;
import org.finetune4j.methods.evaluate.Examinee.Likelihood;

/**
 * A question with a finite number of answers.
 *
 * @param prompt        the sample whose prompt asks it
 * @param choices       the answers as the data give them, at least 2
 * @param continuations the answers as the model would write them, as many
 * @param gold          which is right, counted from 0
 */
public record ChoiceQuestion(Sample prompt, List<String> choices, List<String> continuations, int gold) {
    /** Keeps immutable copies. */
    public ChoiceQuestion {
        choices = List.copyOf(choices);
        continuations = List.copyOf(continuations);
    }

    /** The log-likelihood of every choice of every question. */
    static List<double[]> logLikelihoods(List<ChoiceQuestion> questions, Examinee model) {
        return grouped(questions, model.likelihoods(continuations(questions))).stream()
                .map(group -> group.stream().mapToDouble(Likelihood::sum).toArray()).toList();
    }

    /** Every choice of every question as a continuation, one question after the other. */
    public static List<Continuation> continuations(List<ChoiceQuestion> questions) {
        return questions.stream().flatMap(question -> question.continuations().stream()
                .map(text -> new Continuation(question.prompt(), text))).toList();
    }

    /** What was found for {@link #continuations}, by question. */
    public static <T> List<List<T>> grouped(List<ChoiceQuestion> questions, List<T> found) {
        List<List<T>> groups = new ArrayList<>();
        int from = 0;
        for (ChoiceQuestion question : questions) {
            int to = from + question.continuations().size();
            groups.add(found.subList(from, to));
            from = to;
        }
        return groups;
    }

    /** Which choices are right. */
    static int[] golds(List<ChoiceQuestion> questions) {
        return questions.stream().mapToInt(ChoiceQuestion::gold).toArray();
    }
}
