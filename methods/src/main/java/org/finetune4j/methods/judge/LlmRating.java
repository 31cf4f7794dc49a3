package org.finetune4j.methods.judge;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.tokenizer.Message;

/**
 * Has a model rate replies from 1 to 10, greedily; the first such number of what it says counts.
 *
 * @param source the model; default the policy before training
 */
public record LlmRating(TextSource source) implements Rating {
    /** The rating. */
    public static final Method<LlmRating> METHOD = new Method<>("llmRating", Method.Kind.JUDGE,
            "Has a model rate replies from 1 to 10", "common practice",
            settings -> new LlmRating(settings.fragment("source", Method.Kind.SOURCE, TextSource.class, new Policy())));

    private static final int TOKENS = 16;
    private static final Pattern NUMBER = Pattern.compile("(?<![0-9.])(?:10(?:\\.0+)?|[1-9](?:\\.[0-9]+)?)(?![0-9])");

    @Override
    public Method<LlmRating> method() {
        return METHOD;
    }

    @Override
    public List<Double> rate(List<Reply> replies, Asker asker) {
        return asker.answer(source, "rate the answers", replies.stream().map(LlmRating::request).toList()).stream()
                .map(answer -> rating(AnswerText.of(answer))).toList();
    }

    @Override
    public List<Double> difficulties(List<Sample> tasks, Asker asker) {
        return asker.answer(source, "rate the tasks", tasks.stream().map(LlmRating::difficultyRequest).toList()).stream()
                .map(answer -> rating(AnswerText.of(answer))).toList();
    }

    private static TextRequest difficultyRequest(Sample task) {
        return new TextRequest(task.id(), List.of(Message.user("Rate how hard a task is from 1 (anybody can do it) to 10 "
                + "(few experts can).\n\nTask:\n" + new Reply(task, "").question() + "\n\nReply with the number alone.")),
                Decoding.greedy(TOKENS), 0);
    }

    @Override
    public List<TextWork> difficultyWork(List<Sample> samples) {
        return List.of(new TextWork(source, "difficulties", samples.size(), samples.stream().mapToLong(sample ->
                TextWork.tokens(sample.messages())).sum(), TOKENS));
    }

    /** The first number from 1 to 10, or not a number. */
    static double rating(String text) {
        Matcher matcher = NUMBER.matcher(text);
        return matcher.find() ? Double.parseDouble(matcher.group()) : Double.NaN;
    }

    private static TextRequest request(Reply reply) {
        return new TextRequest(reply.sample().id(), List.of(Message.user("Rate an answer to a task from 1 (useless) "
                + "to 10 "
                + "(could not be better).\n\nTask:\n" + reply.question() + "\n\nAnswer:\n" + reply.text()
                + "\n\nReply with the number alone.")), Decoding.greedy(TOKENS), 0);
    }

    @Override
    public boolean isBy(TextSource other) {
        return source.equals(other);
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        return List.of(new TextWork(source, "ratings", samples.size(), samples.stream().mapToLong(sample ->
                TextWork.tokens(sample.messages())).sum(), TOKENS));
    }
}
