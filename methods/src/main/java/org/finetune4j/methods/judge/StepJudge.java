package org.finetune4j.methods.judge;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.tokenizer.Message;

/**
 * Accepts a reply that is worked out well, step by step, without a reference: a model gives every line of it a number
 * from 0 to 1, and {@link StepRewards} decides. It stands in for a process reward model, whose paper is arXiv
 * 2510.10023's reference; any model that follows the instruction will do.
 *
 * @param source the model; default the policy before training
 * @param whole  at or below which the last step's number or the mean rejects, in (0, 1); default 0.85
 * @param step   at or below which a step before the last rejects, in (0, 1); default 0.70
 */
public record StepJudge(TextSource source, double whole, double step) implements Judge {
    /** The judge. */
    public static final Method<StepJudge> METHOD = new Method<>("stepJudge", Method.Kind.JUDGE,
            "Accepts replies whose every step a model finds likely to be right", "arXiv 2510.10023",
            settings -> new StepJudge(settings.fragment("source", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.number("whole", 0.85), settings.number("step", 0.70)));

    private static final Pattern NUMBER = Pattern.compile("(?<![0-9.])(?:0(?:\\.[0-9]+)?|1(?:\\.0+)?|\\.[0-9]+)(?![0-9.])");
    private static final int TOKENS_PER_STEP = 8;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public StepJudge {
        Settings.require(whole > 0 && whole < 1, "stepJudge", "whole", whole, "in (0, 1)");
        Settings.require(step > 0 && step < 1, "stepJudge", "step", step, "in (0, 1)");
    }

    @Override
    public Method<StepJudge> method() {
        return METHOD;
    }

    @Override
    public java.util.Optional<String> problem(Sample sample) {
        return java.util.Optional.empty();
    }

    /** The steps of a reply: its lines that are not blank. */
    static List<String> steps(String reply) {
        return reply.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    }

    @Override
    public List<Verdict> judge(List<Reply> replies, Asker asker) {
        List<TextAnswer> answers = asker.answer(source, "judge the steps of the answers",
                replies.stream().map(this::request).toList());
        List<Verdict> verdicts = new ArrayList<>();
        for (int i = 0; i < replies.size(); i++) {
            Reply reply = replies.get(i);
            int steps = steps(reply.text()).size();
            double[] rewards = NUMBER.matcher(AnswerText.of(answers.get(i))).results().mapToDouble(found ->
                    Double.parseDouble(found.group())).toArray();
            if (steps > 0 && rewards.length != steps) {
                throw new FinetuneException("stepJudge: the reply to " + reply.sample().id() + " has " + steps
                        + " steps, but "
                        + source.description() + " gave " + rewards.length + " numbers from 0 to 1: '"
                        + answers.get(i).text().strip() + "'. Ask a model that follows the instruction.");
            }
            // A reply without any step is none.
            verdicts.add(steps > 0 && new StepRewards(whole, step).good(rewards) ? Verdict.ACCEPTED : Verdict.REJECTED);
        }
        return verdicts;
    }

    private TextRequest request(Reply reply) {
        List<String> steps = steps(reply.text());
        StringBuilder text = new StringBuilder("Here is a question and an answer to it, step by step.\n\nQuestion:\n")
                .append(reply.question()).append("\n\nSteps:\n");
        for (int i = 0; i < steps.size(); i++) {
            text.append("Step ").append(i + 1).append(": ").append(steps.get(i)).append('\n');
        }
        text.append("\nHow likely is each step to be right? Reply with ").append(steps.size())
                .append(" numbers from 0 to 1 in the order of the steps, one a line, and with nothing else.");
        return new TextRequest(reply.sample().id(), List.of(Message.user(text.toString())),
                Decoding.greedy(TOKENS_PER_STEP * Math.max(1, steps.size())), 0);
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        return List.of(new TextWork(source, "rewards of steps", samples.size(), samples.stream().mapToLong(sample ->
                TextWork.tokens(sample.prompt())).sum(), TOKENS_PER_STEP));
    }
}
