package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.PuzzleAnswer;

/**
 * Has a teacher work out the answer to each prompt several times and trains on the first that is right; prompts without
 * one are left out.
 *
 * <p>Debunk the Myth of SFT Generalization, arXiv 2510.00237, where the teacher is a larger model that was tuned on the
 * task by reinforcement learning.
 *
 * @param teacher      works out the answers; default the model itself, before training
 * @param judge        says whether an answer is right; default by the rules of {@code sokoban} and
 *                     {@code generalPoints}
 * @param tries        answers to each prompt at most, at least 1, and with several a temperature above 0; default 16
 * @param temperature  of the teacher, at least 0; default 1
 * @param maxNewTokens longest answer, at least 1; one that is cut off counts as wrong; default 4096
 * @param seed         of the draws
 */
public record CotBySampling(TextSource teacher, Judge judge, int tries, double temperature, int maxNewTokens, long seed)
        implements Selector {
    /** Rejection sampling of worked answers, 2025. */
    public static final Method<CotBySampling> METHOD = new Method<>("cotBySampling", Method.Kind.SELECT,
            "Debunk the Myth of SFT Generalization (worked answers by rejection sampling)", "arXiv 2510.00237",
            settings -> new CotBySampling(
                    settings.fragment("teacher", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.fragment("judge", Method.Kind.JUDGE, Judge.class, new PuzzleAnswer()),
                    settings.whole("tries", 16), settings.number("temperature", 1),
                    settings.whole("maxNewTokens", 4096),
                    settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public CotBySampling {
        Settings.require(tries >= 1, "cotBySampling", "tries", tries, "at least 1");
        new Decoding(temperature, 1, maxNewTokens).requireFor("cotBySampling");
        Settings.require(tries == 1 || temperature > 0, "cotBySampling", "temperature", temperature,
                "above 0, for without chance every one of " + tries + " answers is the same");
    }

    @Override
    public Method<CotBySampling> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_TARGET);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        return samples.stream().flatMap(sample -> judge.problem(sample).map(problem -> sample.id() + " " + problem)
                .stream())
                .limit(1).toList();
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        List<TextWork> work = new ArrayList<>();
        work.add(new TextWork(teacher, "worked answers", (long) tries * samples.size(),
                tries * samples.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum(), maxNewTokens));
        for (int i = 0; i < tries; i++) {
            work.addAll(judge.work(samples));
        }
        return work;
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        List<OwnAnswers.Outcome> outcomes =
                new OwnAnswers(teacher, new Decoding(temperature, 1, maxNewTokens), tries, seed)
                .of(samples, "work out the answers", Sample::promptConversation, replies ->
                judge.judge(replies, context),
                        context);
        List<Sample> chosen = new ArrayList<>();
        List<Scored> scored = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            String accepted = outcomes.get(i).accepted();
            scored.add(new Scored(sample.id(), teacher.description(), accepted == null ? 0 : 1, accepted != null));
            if (accepted != null) {
                chosen.add(sample.withResponse(accepted));
            }
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("prompts", String.valueOf(samples.size()));
        report.put("worked out", String.valueOf(chosen.size()));
        report.put("left out", String.valueOf(samples.size() - chosen.size()));
        return new Selection(chosen, scored, report);
    }
}
