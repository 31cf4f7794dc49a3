package org.finetune4j.methods.judge;

import java.util.List;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.Asker;

/**
 * Accepts a reply whose answer equals the reference, both taken out and made alike as exact match does.
 *
 * @param metric how; default by the last number of the text, as lm-evaluation-harness has it for GSM8K
 */
public record ExactAnswer(ExactMatch metric) implements Judge {
    /** The rule. */
    public static final Method<ExactAnswer> METHOD = new Method<>("exactAnswer", Method.Kind.JUDGE,
            "Accepts replies whose answer equals the reference", "lm-evaluation-harness 0.4",
            settings -> new ExactAnswer(settings.fragment("metric", Method.Kind.EVALUATE, ExactMatch.class,
                    ExactMatch.gsm8kFlexible())));

    /** The last number decides. */
    public ExactAnswer() {
        this(ExactMatch.gsm8kFlexible());
    }

    @Override
    public Method<ExactAnswer> method() {
        return METHOD;
    }

    @Override
    public List<Verdict> judge(List<Reply> replies, Asker asker) {
        if (replies.isEmpty()) {
            return List.of();
        }
        return metric.score(replies.stream().map(Reply::text).toList(), replies.stream().map(Reply::reference).toList())
                .items().stream().map(score -> score == 1 ? Verdict.ACCEPTED : Verdict.REJECTED).toList();
    }
}
