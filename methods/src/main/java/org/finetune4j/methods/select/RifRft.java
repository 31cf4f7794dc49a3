package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;

/**
 * RIF-RFT: before reinforcement learning, leaves out the prompts that the policy cannot learn from, told by the
 * accuracy of several of its answers to each.
 *
 * <p>Reinforcement Fine-Tuning Naturally Mitigates Forgetting in Continual Post-Training, arXiv 2507.05386. The sources
 * disagree on whether always-solved prompts are left out as well; both rules are offered.
 *
 * @param judge        says whether an answer is right: the accuracy, without any reward for its form
 * @param rollouts     answers to each prompt, at least 2, with ANY_SUCCESS at least 1; default 8
 * @param rule         which prompts are kept; default ANY_SUCCESS
 * @param threshold    above which an accuracy is a success, in [0, 1); default 0
 * @param temperature  of the answers, above 0; default 1
 * @param topP         of the answers, in (0, 1]; default 1
 * @param maxNewTokens longest answer, at least 1; default 512
 * @param seed         of the draws
 */
public record RifRft(Judge judge, int rollouts, RolloutRule rule, double threshold, double temperature, double topP,
                     int maxNewTokens, long seed) implements Selector {
    /** RIF-RFT, 2025. */
    public static final Method<RifRft> METHOD = new Method<>("rifRft", Method.Kind.SELECT,
            "Reinforcement Fine-Tuning Naturally Mitigates Forgetting in Continual Post-Training", "arXiv 2507.05386",
            settings -> new RifRft(settings.fragment("judge", Method.Kind.JUDGE, Judge.class, new ExactAnswer()),
                    settings.whole("rollouts", 8), settings.choice("rule", RolloutRule.ANY_SUCCESS),
                    settings.number("threshold", 0), settings.number("temperature", 1), settings.number("topP", 1),
                    settings.whole("maxNewTokens", 512), settings.whole("seed", 0L)));

    private static final String STAGE = "answer each prompt several times";

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public RifRft {
        Settings.require(rollouts >= (rule == RolloutRule.ANY_SUCCESS ? 1 : 2), "rifRft", "rollouts", rollouts,
                rule == RolloutRule.ANY_SUCCESS ? "at least 1" : "at least 2, for one answer has no variance");
        Settings.require(threshold >= 0 && threshold < 1, "rifRft", "threshold", threshold, "in [0, 1)");
        new Decoding(temperature, topP, maxNewTokens).requireFor("rifRft");
        Settings.require(temperature > 0, "rifRft", "temperature", temperature, "above 0, or all answers are the same");
    }

    @Override
    public Method<RifRft> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.FILTERS_FOR_ROLLOUTS);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        for (Sample sample : samples) {
            Optional<String> problem = judge.problem(sample);
            if (problem.isPresent()) {
                return List.of(sample.id() + " " + problem.get());
            }
        }
        return List.of();
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        List<TextWork> work = new ArrayList<>();
        work.add(new TextWork(new Policy(), "answers to the prompts", (long) rollouts * samples.size(),
                rollouts * samples.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum(), maxNewTokens));
        for (int i = 0; i < rollouts; i++) {
            work.addAll(judge.work(samples));
        }
        return work;
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        List<TextRequest> requests = new ArrayList<>();
        Decoding decoding = new Decoding(temperature, topP, maxNewTokens);
        for (int i = 0; i < samples.size(); i++) {
            long own = CounterRandom.seed(seed, "rifRft", i);
            for (int j = 0; j < rollouts; j++) {
                requests.add(new TextRequest(samples.get(i).id(), samples.get(i).promptConversation(), decoding,
                        CounterRandom.bits(own, j)));
            }
        }
        List<TextAnswer> answers = context.answer(new Policy(), STAGE, requests);
        List<Reply> replies = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            replies.add(new Reply(samples.get(i / rollouts), AnswerText.of(answers.get(i))));
        }
        List<Verdict> verdicts = judge.judge(replies, context);
        List<Sample> kept = new ArrayList<>();
        List<Scored> scored = new ArrayList<>();
        int[] solved = new int[rollouts + 1];
        for (int i = 0; i < samples.size(); i++) {
            double[] accuracies = verdicts.subList(i * rollouts, (i + 1) * rollouts).stream()
                    .mapToDouble(verdict -> verdict == Verdict.ACCEPTED ? 1 : 0).toArray();
            int right = (int) java.util.Arrays.stream(accuracies).sum();
            solved[right]++;
            boolean keep = rule.keeps(accuracies, threshold);
            scored.add(new Scored(samples.get(i).id(), "policy", (double) right / rollouts, keep));
            if (keep) {
                kept.add(samples.get(i));
            }
        }
        if (kept.isEmpty()) {
            throw new FinetuneException("rifRft: nothing learnable is left of " + samples.size() + " prompts: "
                    + solved[0] + " are never solved in " + rollouts + " answers and " + solved[rollouts]
                    + " always. Give "
                    + "easier or harder prompts, or more rollouts.");
        }
        return new Selection(kept, scored, report(samples.size(), kept.size(), solved));
    }

    private static Map<String, String> report(int all, int kept, int[] solved) {
        Map<String, String> report = new LinkedHashMap<>();
        report.put("prompts", String.valueOf(all));
        report.put("kept", String.format(Locale.ROOT, "%.1f %% (%d)", 100.0 * kept / all, kept));
        for (int right = 0; right < solved.length; right++) {
            report.put("solved " + right + " of " + (solved.length - 1) + " times", String.valueOf(solved[right]));
        }
        return report;
    }
}
