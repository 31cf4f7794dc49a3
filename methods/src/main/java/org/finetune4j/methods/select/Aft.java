package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.decode.AggregationPrompt;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;

/**
 * AFT: shows the model several drafts of an answer beside the question and trains it on one better answer; some rows
 * have no drafts, so that it can draft as well. Such a model answers by
 * {@link org.finetune4j.methods.decode.ProposeAndAggregate}.
 *
 * <p>From Drafts to Answers: Unlocking LLM Potential via Aggregation Fine-Tuning, arXiv 2501.11877. Nothing but the
 * better answer is learned. How many drafts the paper trains with, who aggregates and the share of rows without drafts
 * are not known; the defaults are this project's choice.
 *
 * @param aggregator   writes the better answer that a record does not bring; default the policy
 * @param candidates   field of a data record that holds the drafts; default {@code responses}
 * @param aggregate    field of a data record that holds a ready better answer; default {@code aggregate}
 * @param drafts       GIVEN in the data (the default), or ON_POLICY: the policy's own, shown some samples before
 * @param shots        samples that are shown before each question ON_POLICY, at least 0; default 3
 * @param proposals    drafts of a row, at least 1; default 4
 * @param fewer        what happens to samples with fewer drafts: ERROR (default) or SKIP
 * @param rejectCopies whether better answers that equal a draft are left out; default true
 * @param directShare  share of rows without drafts, in [0, 1]; default 0.5
 * @param shuffle      whether drafts come in random order; default true
 * @param temperature  of drafts and better answers, at least 0; default 0.7
 * @param topP         of drafts and better answers, in (0, 1]; default 0.95
 * @param maxNewTokens longest draft and better answer, at least 1; default 1024
 * @param systemRole   whether the chat template has a system turn; default true
 * @param seed         of the draws
 */
public record Aft(TextSource aggregator, String candidates, String aggregate, Drafts drafts, int shots, int proposals,
                  Fewer fewer, boolean rejectCopies, double directShare, boolean shuffle, double temperature,
                  double topP,
                  int maxNewTokens, boolean systemRole, long seed) implements Selector {
    /** Where drafts come from. */
    public enum Drafts {
        /** The data have them. */
        GIVEN,
        /** The policy writes them. */
        ON_POLICY
    }

    /** What happens to samples with too few drafts. */
    public enum Fewer {
        /** They are an error. */
        ERROR,
        /** They are left out. */
        SKIP
    }

    /** AFT, 2025. */
    public static final Method<Aft> METHOD = new Method<>("aft", Method.Kind.SELECT,
            "From Drafts to Answers: Unlocking LLM Potential via Aggregation Fine-Tuning", "arXiv 2501.11877",
            settings -> new Aft(settings.fragment("aggregator", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.text("candidates", "responses"), settings.text("aggregate", "aggregate"),
                    settings.choice("drafts", Drafts.GIVEN), settings.whole("shots", 3), settings.whole("proposals", 4),
                    settings.choice("fewer", Fewer.ERROR), settings.flag("rejectCopies", true),
                    settings.number("directShare", 0.5), settings.flag("shuffle", true),
                    settings.number("temperature", 0.7), settings.number("topP", 0.95),
                    settings.whole("maxNewTokens", 1024), settings.flag("systemRole", true), settings.whole("seed",
                    0L)));

    /** Tokens that a template may write behind an answer. */
    private static final int END_OF_TURN = 4;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Aft {
        Settings.require(!candidates.isBlank(), "aft", "candidates", "'" + candidates + "'", "the name of a field");
        Settings.require(!aggregate.isBlank(), "aft", "aggregate", "'" + aggregate + "'", "the name of a field");
        Settings.require(shots >= 0, "aft", "shots", shots, "at least 0");
        Settings.require(proposals >= 1, "aft", "proposals", proposals, "at least 1");
        Settings.require(directShare >= 0 && directShare <= 1, "aft", "directShare", directShare, "in [0, 1]");
        new Decoding(temperature, topP, maxNewTokens).requireFor("aft");
        if (drafts == Drafts.ON_POLICY) {
            S3ft.requireDifferent("aft", proposals, temperature);
        }
    }

    @Override
    public Method<Aft> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_TARGET);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        List<String> problems = new ArrayList<>();
        if (drafts == Drafts.GIVEN && fewer == Fewer.ERROR) {
            samples.stream().filter(sample -> sample.candidates().size() < proposals).findFirst().ifPresent(sample ->
                    problems.add(sample.id() + " has " + sample.candidates().size() + " drafts in its field '"
                            + candidates
                            + "', but " + proposals + " are wanted. Lower proposals, let fewer be SKIP, or let the "
                            + "policy draft "
                            + "by ON_POLICY."));
        }
        long withResponse = samples.stream().filter(sample -> sample.response() != null).count();
        if (drafts == Drafts.ON_POLICY && shots > withResponse) {
            problems.add("shots is " + shots + ", but only " + withResponse + " samples have a response to show. "
                    + "Lower it.");
        }
        return problems;
    }

    @Override
    public List<String> notes(List<Sample> samples) {
        return directShare == 0 ? List.of("directShare is 0, so that drafting is not trained") : List.of();
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        long tokens = samples.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum();
        List<TextWork> work = new ArrayList<>();
        if (drafts == Drafts.ON_POLICY) {
            work.add(new TextWork(new Policy(), "drafts", (long) proposals * samples.size(), proposals * (shots
                    + 1) * tokens,
                    maxNewTokens));
        }
        long open = samples.stream().filter(sample -> !isReady(sample)).count();
        if (open > 0) {
            work.add(new TextWork(aggregator, "better answers", open, tokens + samples.stream().flatMap(sample ->
                    sample.candidates().stream()).mapToLong(draft -> TextWork.tokens(draft.text().length())).sum(),
                    maxNewTokens));
        }
        return work;
    }

    @Override
    public List<Sample> likely(List<Sample> samples) {
        return samples.stream().map(sample -> {
            List<String> shown = sample.candidates().stream().limit(proposals).map(Sample.Candidate::text).toList();
            String response = isReady(sample) ? ready(sample) : shown.isEmpty() ? String.valueOf(sample.response())
                    : shown.get(0);
            return row(sample, new AggregationPrompt(systemRole).of(sample.promptConversation(), shown), response);
        }).toList();
    }

    private boolean isReady(Sample sample) {
        return !ready(sample).isBlank();
    }

    private String ready(Sample sample) {
        return sample.fields().getOrDefault(aggregate, "");
    }

    private static Sample row(Sample sample, Conversation asked, String response) {
        List<Message> turns = new ArrayList<>(asked.messages());
        turns.add(Message.assistant(response));
        return new Sample(sample.id(), asked.withMessages(turns), List.of(), sample.answer(), sample.fields(),
                sample.provenance());
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        AggregationPrompt prompt = new AggregationPrompt(systemRole);
        List<List<String>> drafts = this.drafts == Drafts.GIVEN ? given(samples) : new PolicyDrafts(shots, proposals,
                new Decoding(temperature, topP, maxNewTokens), seed).of(samples, context);
        List<Conversation> shown = IntStream.range(0, samples.size()).mapToObj(i -> prompt.of(samples.get(i)
                .promptConversation(), fitting(samples.get(i), drafts.get(i), prompt, context))).toList();
        List<Integer> enough = IntStream.range(0, samples.size()).filter(i -> drafts.get(i).size() >= proposals).boxed()
                .toList();
        List<String> better = better(samples, shown, enough, context);
        long own = CounterRandom.seed(seed, "aft.direct", 0);
        List<Sample> rows = new ArrayList<>();
        int direct = 0;
        int empty = 0;
        int copies = 0;
        for (int i : enough) {
            String text = better.get(i);
            boolean isCopy = rejectCopies && drafts.get(i).stream().anyMatch(draft -> draft.strip().equals(text));
            empty += text.isEmpty() ? 1 : 0;
            copies += isCopy ? 1 : 0;
            if (!text.isEmpty() && !isCopy) {
                boolean isDirect = CounterRandom.uniform(own, i) < directShare;
                direct += isDirect ? 1 : 0;
                rows.add(row(samples.get(i), isDirect ? prompt.plain(samples.get(i).promptConversation())
                        : shown.get(i), text));
            }
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("samples", String.valueOf(samples.size()));
        report.put("with too few drafts, left out", String.valueOf(samples.size() - enough.size()));
        report.put("better answers cut off or empty", String.valueOf(empty));
        report.put("better answers that copy a draft", String.valueOf(copies));
        report.put("rows without drafts", String.format(Locale.ROOT, "%.1f %% (%d)",
                rows.isEmpty() ? 0 : 100.0 * direct / rows.size(), direct));
        return new Selection(rows, report);
    }

    private List<List<String>> given(List<Sample> samples) {
        return IntStream.range(0, samples.size()).mapToObj(i -> {
            List<String> texts = samples.get(i).candidates().stream().limit(proposals).map(Sample.Candidate::text)
                    .toList();
            long own = CounterRandom.seed(seed, "aft.order", i);
            return !shuffle ? texts : IntStream.range(0, texts.size()).boxed().sorted(Comparator.comparingLong(j ->
                    CounterRandom.bits(own, j))).map(texts::get).toList();
        }).toList();
    }

    private List<String> fitting(Sample sample, List<String> drafts, AggregationPrompt prompt,
            SelectionContext context) {
        return drafts.isEmpty() ? drafts : context.window().map(window -> prompt.fitting(sample.promptConversation(),
                drafts,
                isReady(sample) ? window.count().applyAsInt(ready(sample)) + END_OF_TURN : Math.min(maxNewTokens,
                window.tokens() / 2),
                window)).orElse(drafts);
    }

    /** The better answer of each sample; empty where there is none. */
    private List<String> better(List<Sample> samples, List<Conversation> shown, List<Integer> enough,
                                SelectionContext context) {
        String[] texts = samples.stream().map(this::ready).toArray(String[]::new);
        List<Integer> open = enough.stream().filter(i -> texts[i].isBlank()).toList();
        List<TextAnswer> answers = context.answer(aggregator, "aggregate drafts", open.stream().map(i ->
                new TextRequest(
                samples.get(i).id(), shown.get(i), new Decoding(temperature, topP, maxNewTokens),
                CounterRandom.seed(seed, "aft.aggregate", i))).toList());
        for (int i = 0; i < open.size(); i++) {
            texts[open.get(i)] = answers.get(i).complete() ? AnswerText.of(answers.get(i)) : "";
        }
        return List.of(texts);
    }
}
