package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.judge.Abstention;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.LlmJudge;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.methods.select.OwnAnswers.Outcome;
import org.finetune4j.methods.select.RoutedTargets.Target;

/**
 * SSR: trains on the model's own answer where a judge accepts it, and on the response elsewhere, so that the model
 * learns only where it was wrong.
 *
 * <p>Selective Self-Rehearsal: A Fine-Tuning Approach to Improve Generalization in Large Language Models, arXiv
 * 2409.04787. Questions that have no answer are told by a field of their records: the own answer to one is accepted
 * when it declines, by its words or by the judge's verdict, and an answer that declines elsewhere is rejected.
 *
 * @param judge        says whether an answer conveys the response; default the model itself, before training
 * @param answerable   field of a data record that is {@code false} where the question has no answer; records without it
 *                     have one; default {@code answerable}
 * @param route        which prompts are trained with the model's own answer; others than JUDGED are the paper's
 *                     baselines
 * @param temperature  of the answers, at least 0; default 0
 * @param topP         of the answers, in (0, 1]; default 1
 * @param maxNewTokens longest answer, at least 1; one that is cut off counts as wrong; default 256
 * @param seed         of the draws and of a RANDOM route
 */
public record Ssr(Judge judge, String answerable, Route route, double temperature, double topP, int maxNewTokens,
        long seed)
        implements EpochSelector {
    /** Which prompts are trained with the model's own answer. */
    public enum Route {
        /** Those whose answer the judge accepts. */
        JUDGED,
        /** As many, drawn from the seed, whatever the judge says of their answers. */
        RANDOM,
        /** All that have one. */
        SELF_ONLY
    }

    /** SSR, 2024. */
    public static final Method<Ssr> METHOD = new Method<>("ssr", Method.Kind.SELECT,
            "Selective Self-Rehearsal: A Fine-Tuning Approach to Improve Generalization in Large Language Models",
            "arXiv 2409.04787",
            settings -> new Ssr(settings.fragment("judge", Method.Kind.JUDGE, Judge.class, new LlmJudge(new Policy())),
                    settings.text("answerable", "answerable"), settings.choice("route", Route.JUDGED),
                    settings.number("temperature", 0), settings.number("topP", 1), settings.whole("maxNewTokens", 256),
                    settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Ssr {
        Settings.require(!answerable.isBlank(), "ssr", "answerable", "'" + answerable + "'", "the name of a field");
        new Decoding(temperature, topP, maxNewTokens).requireFor("ssr");
    }

    /** A selector with the default settings. */
    public Ssr(Judge judge) {
        this(judge, "answerable", Route.JUDGED, 0, 1, 256, 0);
    }

    @Override
    public Method<Ssr> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_TARGET, Trait.ROUTES_TARGET);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        List<String> problems = new ArrayList<>(RoutedTargets.problems(samples, judge));
        samples.stream().filter(sample -> !Set.of("true", "false").contains(sample.fields().getOrDefault(answerable,
                "true")))
                .findFirst().ifPresent(sample -> problems.add(sample.id() + " has '" + sample.fields().get(answerable)
                        + "' in its field '" + answerable + "', but it must be true or false. Correct it, or name "
                        + "another "
                        + "field."));
        return problems;
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        List<TextWork> work = new ArrayList<>();
        work.add(new TextWork(new Policy(), "answers to the prompts", samples.size(),
                samples.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum(), maxNewTokens));
        work.addAll(judge.work(samples));
        return work;
    }

    @Override
    public long scoredResponses(List<Sample> samples) {
        // What is trained on, and the response beside it.
        return 2L * samples.size();
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        List<Outcome> outcomes = new OwnAnswers(new Policy(), new Decoding(temperature, topP, maxNewTokens), 1, seed)
                .of(
                samples, "answer the prompts", Sample::promptConversation, replies -> verdicts(replies, context),
                context);
        outcomes = switch (route) {
            case JUDGED -> outcomes;
            case RANDOM -> random(outcomes);
            case SELF_ONLY -> outcomes.stream().map(outcome -> outcome.taken(true)).toList();
        };
        return new RoutedTargets("ssr", samples, outcomes.stream().map(outcome -> Target.of(outcome, Optional.empty()))
                .toList()).selection(context);
    }

    /** As many own answers as were accepted, of any prompts that have one. */
    private List<Outcome> random(List<Outcome> outcomes) {
        long accepted = outcomes.stream().filter(outcome -> outcome.accepted() != null).count();
        long own = CounterRandom.seed(seed, "ssr", 0);
        Set<Integer> drawn = new HashSet<>(IntStream.range(0, outcomes.size()).filter(i -> outcomes.get(i).generated())
                .boxed().sorted(Comparator.comparingLong(i -> CounterRandom.bits(own, i))).limit(accepted).toList());
        return IntStream.range(0, outcomes.size()).mapToObj(i -> outcomes.get(i).taken(drawn.contains(i))).toList();
    }

    private List<Verdict> verdicts(List<Reply> replies, SelectionContext context) {
        List<Verdict> judged = judge.judge(replies.stream().filter(reply -> !Abstention.in(reply.text())).toList(),
                context);
        List<Verdict> verdicts = new ArrayList<>();
        int next = 0;
        for (Reply reply : replies) {
            verdicts.add(!Abstention.in(reply.text()) ? judged.get(next++)
                    : isAnswerable(reply.sample()) ? Verdict.REJECTED : Verdict.ACCEPTED);
        }
        return verdicts;
    }

    private boolean isAnswerable(Sample sample) {
        return !"false".equals(sample.fields().get(answerable));
    }
}
