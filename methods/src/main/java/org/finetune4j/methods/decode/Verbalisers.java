package org.finetune4j.methods.decode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.evaluate.ChoiceQuestion;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Examinee.Likelihood;

/**
 * Labels as the model would write them. The logit of a label is the mean of the logits of its tokens, each where it is
 * predicted; so a label whose first token another one has too would be told by what follows, after it was decided.
 */
final class Verbalisers {
    private Verbalisers() {
    }

    /** The logit of every choice of every question. */
    static List<double[]> logits(String method, List<ChoiceQuestion> questions, Examinee model) {
        requireDifferent(method, questions, model);
        return ChoiceQuestion.grouped(questions, model.likelihoods(ChoiceQuestion.continuations(questions))).stream()
                .map(group -> group.stream().mapToDouble(Likelihood::meanLogit).toArray()).toList();
    }

    private static void requireDifferent(String method, List<ChoiceQuestion> questions, Examinee model) {
        Set<List<String>> seen = new HashSet<>();
        for (ChoiceQuestion question : questions) {
            if (!seen.add(question.continuations())) {
                continue;
            }
            Map<Integer, String> first = new HashMap<>();
            List<String> pairs = new ArrayList<>();
            for (String label : question.continuations()) {
                String other = first.putIfAbsent(model.tokens(label)[0], label);
                if (other != null) {
                    pairs.add("'" + other + "' and '" + label + "'");
                }
            }
            if (!pairs.isEmpty()) {
                throw new FinetuneException(method + ": the labels " + String.join(", ", pairs) + " of "
                        + question.prompt().id() + " begin with the same token, so that they cannot be told apart by it. Give "
                        + "the labels other names, or ask for letters (form = LETTERS).");
            }
        }
    }
}
