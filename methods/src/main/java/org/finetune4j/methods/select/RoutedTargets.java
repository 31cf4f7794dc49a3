package org.finetune4j.methods.select;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.methods.select.OwnAnswers.Outcome;
import org.finetune4j.methods.select.Selector.Scored;
import org.finetune4j.methods.select.Selector.Selection;

/**
 * Which response each sample is trained with, and what to tell of it.
 *
 * @param method  for messages and the name of the file
 * @param samples what was given
 * @param targets one for each sample
 */
record RoutedTargets(String method, List<Sample> samples, List<Target> targets) {
    /**
     * The target of one sample.
     *
     * @param origin     whose words it is in
     * @param own        what became of the model's own answer
     * @param paraphrase what became of its rewording, if it was asked for one
     */
    record Target(Origin origin, Outcome own, Optional<Outcome> paraphrase) {
        /** Whose words a target is in. */
        enum Origin {
            /** The model's own answer. */
            SELF,
            /** The response in the model's words. */
            PARAPHRASE,
            /** The response. */
            GOLD
        }

        /** The target by the verdicts: the own answer, else the rewording, else the response. */
        static Target of(Outcome own, Optional<Outcome> paraphrase) {
            return new Target(own.accepted() != null ? Origin.SELF
                    : paraphrase.isPresent() && paraphrase.get().accepted() != null ? Origin.PARAPHRASE : Origin.GOLD,
                    own,
                    paraphrase);
        }

        /** The same with the response where the model's own words make the sample too long to be trained on. */
        Target within(Sample sample, SelectionContext context) {
            return origin == Origin.GOLD || context.fits(of(sample)) ? this : new Target(Origin.GOLD, own, paraphrase);
        }

        private Sample of(Sample sample) {
            String text = switch (origin) {
                case SELF -> own.accepted();
                case PARAPHRASE -> paraphrase.orElseThrow().accepted();
                case GOLD -> null;
            };
            // The response keeps all that it thinks and calls.
            return (text == null ? sample : sample.withResponse(text)).tagged(origin.name().toLowerCase(Locale.ROOT));
        }
    }

    /** What stands against routing these samples by this judge: the first row and field of each kind. */
    static List<String> problems(List<Sample> samples, Judge judge) {
        List<String> problems = new ArrayList<>();
        samples.stream().filter(sample -> sample.response() == null).findFirst().ifPresent(sample ->
                problems.add(sample.id()
                + (sample.candidates().isEmpty() ? " has no response to fall back to. Give it one, or leave it out."
                : " has several candidate responses. Choose one of them before, as in select(grape(), ...).")));
        for (Sample sample : samples) {
            Optional<String> problem = judge.problem(sample);
            if (problem.isPresent()) {
                problems.add(sample.id() + " " + problem.get());
                break;
            }
        }
        return problems;
    }

    /**
     * The samples with their targets; how likely these are is told, and all of it kept in the folder. Own words that are too
     * long to be trained on give way to the response.
     */
    Selection selection(SelectionContext context) {
        List<Target> within = IntStream.range(0, samples.size())
                .mapToObj(i -> targets.get(i).within(samples.get(i), context)).toList();
        long tooLong = IntStream.range(0, samples.size()).filter(i -> within.get(i) != targets.get(i)).count();
        return new RoutedTargets(method, samples, within).selection(context, tooLong);
    }

    private Selection selection(SelectionContext context, long tooLong) {
        List<Sample> chosen = IntStream.range(0, samples.size()).mapToObj(i -> targets.get(i).of(samples.get(i)))
                .toList();
        List<float[]> scores = context.scorer().tokenLogProbabilities(chosen);
        List<float[]> gold = context.scorer().tokenLogProbabilities(samples);
        Path folder = context.folder();
        if (folder != null) {
            AtomicFiles.onDisk().writeText(folder.resolve(method + ".jsonl"), lines(chosen, scores));
        }
        List<Scored> scored = IntStream.range(0, samples.size()).mapToObj(i -> new Scored(samples.get(i).id(),
                targets.get(i).origin().name().toLowerCase(Locale.ROOT), ResponseScorer.sum(scores.get(i)), true)).toList();
        return new Selection(chosen, scored, report(scores, gold, tooLong));
    }

    private Map<String, String> report(List<float[]> scores, List<float[]> gold, long tooLong) {
        Map<String, String> report = new LinkedHashMap<>();
        report.put("prompts", String.valueOf(samples.size()));
        for (Target.Origin origin : Target.Origin.values()) {
            long count = targets.stream().filter(target -> target.origin() == origin).count();
            report.put("targets: " + switch (origin) {
                case SELF -> "the model's own answer";
                case PARAPHRASE -> "the response in its words";
                case GOLD -> "the response";
            }, String.format(Locale.ROOT, "%.1f %% (%d)", 100.0 * count / samples.size(), count));
        }
        report.put("answers cut off or empty", String.valueOf(outcomes().filter(outcome -> !outcome.generated())
                .count()));
        if (tooLong > 0) {
            report.put("own words too long to be trained on", String.valueOf(tooLong));
        }
        report.put("verdicts that could not be read", String.valueOf(outcomes().filter(outcome ->
                outcome.verdict() == Verdict.UNPARSABLE).count()));
        report.put("mean log-probability a token, targets", mean(scores));
        report.put("mean log-probability a token, responses", mean(gold));
        return report;
    }

    private java.util.stream.Stream<Outcome> outcomes() {
        return targets.stream().flatMap(target ->
                java.util.stream.Stream.concat(java.util.stream.Stream.of(target.own()),
                target.paraphrase().stream()));
    }

    private String lines(List<Sample> chosen, List<float[]> scores) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < samples.size(); i++) {
            Target target = targets.get(i);
            ObjectNode line = StrictJson.mapper().createObjectNode().put("id", samples.get(i).id())
                    .put("target", target.origin().name().toLowerCase(Locale.ROOT))
                    .put("response", String.valueOf(chosen.get(i).response()))
                    .put("own", target.own().verdict().name().toLowerCase(Locale.ROOT));
            target.paraphrase().ifPresent(outcome -> line.put("paraphrase", outcome.verdict().name()
                    .toLowerCase(Locale.ROOT)));
            lines.append(line.put("logProbability", ResponseScorer.sum(scores.get(i)))).append('\n');
        }
        return lines.toString();
    }

    private static String mean(List<float[]> scores) {
        return String.format(Locale.ROOT, "%.4f", scores.stream().mapToDouble(ResponseScorer::sum).sum()
                / scores.stream().mapToInt(score -> score.length).sum());
    }
}
