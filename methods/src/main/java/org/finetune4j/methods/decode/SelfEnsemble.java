package org.finetune4j.methods.decode;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.ChoiceQuestion;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Probabilities;

/**
 * Self-ensemble: one model answers a question K times, each time behind other demonstrations or in other words, and the
 * probabilities of the labels are combined. This lowers the calibration error at equal or better accuracy.
 *
 * <p>The logit of a label is the mean of those of its tokens; probabilities are the softmax over the labels alone. Member k
 * uses template {@code k mod templates} and, with T templates that are varied, demonstrations drawn by seed {@code k / T}, the
 * same for all questions but for a question that is itself in the pool.
 *
 * @param vary           what differs between members; default IC
 * @param members        K, at least 1; 0 (the default) for 20, or with PROMPT for one per template
 * @param rule           how members are combined; default MAX_PROB
 * @param templates      how a question is put, each with {@code {prompt}} in the question's place; default the question alone
 * @param pool           solved samples to demonstrate; none by default
 * @param demonstrations samples shown before a question, at least 1 and fewer than the pool has; default 3
 * @param retrieve       which of the pool are shown; default RANDOM
 * @param seed           of the first member; default 0
 */
public record SelfEnsemble(Vary vary, int members, EnsembleRule rule, List<String> templates, DataSource pool,
                           int demonstrations, Demonstrations.Retrieve retrieve, long seed) implements Decoder {
    /** What differs between members. */
    public enum Vary {
        /** The demonstrations. */
        IC,
        /** The template. */
        PROMPT,
        /** Both. */
        BOTH
    }

    /** No samples to demonstrate. */
    public static final DataSource NO_POOL = DataSource.of("no pool", List.of());

    /** Self-ensemble, 2023. */
    public static final Method<SelfEnsemble> METHOD = new Method<>("selfEnsemble", Method.Kind.DECODE,
            "On Task Performance and Model Calibration with Supervised and Self-Ensembled In-Context Learning",
            "arXiv 2312.13772", settings -> new SelfEnsemble(settings.choice("vary", Vary.IC), settings.whole("members", 0),
                    settings.choice("rule", EnsembleRule.MAX_PROB), settings.texts("templates", List.of("{prompt}")),
                    settings.source("pool", NO_POOL), settings.whole("demonstrations", 3),
                    settings.choice("retrieve", Demonstrations.Retrieve.RANDOM), settings.whole("seed", 0L)));

    private static final int USUAL_MEMBERS = 20;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public SelfEnsemble {
        templates = List.copyOf(templates);
        Settings.require(members >= 0, "selfEnsemble", "members", members, "at least 1, or 0 for the usual number");
        Settings.require(demonstrations >= 1, "selfEnsemble", "demonstrations", demonstrations, "at least 1");
        Settings.require(!templates.isEmpty() && templates.stream().allMatch(Demonstrations::isTemplate)
                && templates.stream().distinct().count() == templates.size(), "selfEnsemble", "templates", templates,
                "different texts with {prompt} in them, at least one");
        if (vary == Vary.PROMPT && members > templates.size()) {
            throw new FinetuneException("selfEnsemble: there are " + members + " members, but only " + templates.size()
                    + " templates to vary. Give as many templates, or choose vary = BOTH with a pool.");
        }
        Settings.require(retrieve != Demonstrations.Retrieve.FIXED || vary == Vary.PROMPT, "selfEnsemble", "retrieve",
                retrieve, "RANDOM or BALANCE where vary is " + vary + ", for members with the same demonstrations are one");
    }

    @Override
    public Method<SelfEnsemble> method() {
        return METHOD;
    }

    @Override
    public String fingerprint() {
        return pool.equals(NO_POOL) ? "" : pool.samples().toString();
    }

    @Override
    public void requireUsable() {
        if (vary == Vary.PROMPT) {
            return;
        }
        if (pool.equals(NO_POOL)) {
            throw new FinetuneException("selfEnsemble: vary = " + vary + " changes the demonstrations, but no pool is named that "
                    + "they could be drawn of. Give pool = ..., or choose vary = PROMPT.");
        }
        List<Sample> samples = pool.samples();
        Demonstrations.require("selfEnsemble", samples);
        if (samples.size() <= demonstrations) {
            throw new FinetuneException("selfEnsemble: the pool " + pool.description() + " has " + samples.size()
                    + " samples, but must have more than the " + demonstrations + " demonstrations. Give a larger pool.");
        }
    }

    @Override
    public Examinee over(Examinee model) {
        List<Sample> samples = pool.equals(NO_POOL) ? List.of() : pool.samples();
        return new DecodedExaminee(model, (questions, asked) -> probabilities(questions, samples, asked));
    }

    private List<double[]> probabilities(List<ChoiceQuestion> questions, List<Sample> samples, Examinee model) {
        int count = count();
        List<ChoiceQuestion> asked = new ArrayList<>();
        for (ChoiceQuestion question : questions) {
            for (int k = 0; k < count; k++) {
                asked.add(member(question, samples, k));
            }
        }
        List<double[]> each = Verbalisers.logits("selfEnsemble", asked, model).stream().map(Probabilities::softmax).toList();
        List<double[]> combined = new ArrayList<>();
        for (int from = 0; from < each.size(); from += count) {
            combined.add(rule.combine(each.subList(from, from + count)));
        }
        return combined;
    }

    /** How many members there are. */
    int count() {
        return members > 0 ? members : vary == Vary.PROMPT ? templates.size() : USUAL_MEMBERS;
    }

    /** The question as one member sees it. */
    ChoiceQuestion member(ChoiceQuestion question, List<Sample> samples, int k) {
        int varied = vary == Vary.IC ? 1 : templates.size();
        String template = templates.get(k % varied);
        Sample prompt = question.prompt();
        List<Sample> shown = samples.isEmpty() ? List.of() : Demonstrations.draw("selfEnsemble", samples, prompt,
                demonstrations, retrieve, seed + (vary == Vary.PROMPT ? 0 : k / varied));
        return new ChoiceQuestion(Demonstrations.before(prompt, shown, template, Demonstrations::answer), question.choices(),
                question.continuations(), question.gold());
    }
}
