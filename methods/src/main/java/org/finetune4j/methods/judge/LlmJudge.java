package org.finetune4j.methods.judge;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
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
 * Asks a model, greedily, whether a reply conveys the same answer as the reference and nothing that contradicts it. The
 * first yes or no of what it says is the verdict.
 *
 * @param source       the model; default the policy before training
 * @param maxNewTokens longest verdict, at least 1; default 16
 * @param unparsable   what a verdict without yes and no is: REJECT (the default; such replies are counted) or ERROR
 */
public record LlmJudge(TextSource source, int maxNewTokens, Unparsable unparsable) implements Judge {
    /** What becomes of a verdict without yes and no; it is never taken for a yes. */
    public enum Unparsable {
        /** The reply counts as wrong. */
        REJECT,
        /** The run ends with an error. */
        ERROR
    }

    /** The judge. */
    public static final Method<LlmJudge> METHOD = new Method<>("llmJudge", Method.Kind.JUDGE,
            "Accepts replies of which a model says that they convey the reference", "arXiv 2409.04787",
            settings -> new LlmJudge(settings.fragment("source", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.whole("maxNewTokens", 16), settings.choice("unparsable", Unparsable.REJECT)));

    private static final Pattern YES_OR_NO = Pattern.compile("\\b(yes|no)\\b", Pattern.CASE_INSENSITIVE);

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public LlmJudge {
        Settings.require(maxNewTokens >= 1, "llmJudge", "maxNewTokens", maxNewTokens, "at least 1");
    }

    /** A judge with the default settings. */
    public LlmJudge(TextSource source) {
        this(source, 16, Unparsable.REJECT);
    }

    @Override
    public Method<LlmJudge> method() {
        return METHOD;
    }

    @Override
    public List<Verdict> judge(List<Reply> replies, Asker asker) {
        List<TextAnswer> answers = asker.answer(source, "judge the answers", replies.stream().map(this::request)
                .toList());
        List<Verdict> verdicts = new ArrayList<>();
        for (int i = 0; i < replies.size(); i++) {
            Verdict verdict = verdict(AnswerText.of(answers.get(i)));
            if (verdict == Verdict.UNPARSABLE && unparsable == Unparsable.ERROR) {
                throw new FinetuneException("llmJudge: the verdict on the reply to " + replies.get(i).sample().id()
                        + " says neither yes nor no: '" + answers.get(i).text().strip()
                        + "'. Ask another model, allow more "
                        + "maxNewTokens, or let unparsable be REJECT.");
            }
            verdicts.add(verdict);
        }
        return verdicts;
    }

    /** The first yes or no in a text, in any case. */
    static Verdict verdict(String text) {
        Matcher matcher = YES_OR_NO.matcher(text);
        return !matcher.find() ? Verdict.UNPARSABLE
                : matcher.group().toLowerCase(Locale.ROOT).equals("yes") ? Verdict.ACCEPTED : Verdict.REJECTED;
    }

    private TextRequest request(Reply reply) {
        return new TextRequest(reply.sample().id(), List.of(Message.user("Here are a question, the right answer and a "
                + "reply."
                + "\n\nQuestion:\n" + reply.question() + "\n\nRight answer:\n" + reply.reference() + "\n\nReply:\n"
                + reply.text() + "\n\nDoes the reply convey the same answer as the right one, and nothing that "
                + "contradicts it? "
                + "Say yes or no.")), Decoding.greedy(maxNewTokens), 0);
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        long characters = samples.stream().mapToLong(sample -> request(new Reply(sample, new Reply(sample, "")
                .reference()))
                .conversation().messages().get(0).text().length()).sum();
        return List.of(new TextWork(source, "verdicts", samples.size(), TextWork.tokens(characters), maxNewTokens));
    }
}
