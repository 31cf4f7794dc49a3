package org.finetune4j.methods.select;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.Sample;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.StepJudge;
import org.finetune4j.methods.select.SkillDraws.Draw;

/**
 * STAT: examines the policy on validation questions, has a teacher name the skills that its bad answers lack, and
 * trains on questions for those skills, drawn from the data or newly made.
 *
 * <p>Skill-Targeted Adaptive Training, arXiv 2510.10023. For each badly answered question and each skill that it lacks,
 * SELECT draws {@code perSkill} questions of the data that exercise the skill, so that a question for many missing
 * skills comes often; that is wanted. SYNTHESISE draws {@code references} of them and lets the teacher invent
 * {@code newPerSkill} questions, each kept when {@code agree} of its {@code solutions} give the same final answer.
 *
 * @param validation   a JSON Lines file of questions; none of them is trained on
 * @param mode         SELECT (the default) or SYNTHESISE
 * @param hard         rejects a bad answer; default a model's rewards for each step
 * @param teacher      names missing skills, and invents and solves questions; default the policy
 * @param skills       field of a data record that holds its skills: a list, or a text with commas; default {@code
 *                     skills}
 * @param perSkill     questions drawn for a question and skill, at least 1; default 5
 * @param answers      responses that a drawn question is trained with at most, at least 1; default 3
 * @param references   questions shown to the teacher, at least 1; default 3
 * @param newPerSkill  new questions for a question and skill, at least 1; default 2
 * @param solutions    of a new question, at least 1; default 3
 * @param agree        solutions that must agree, in [1, solutions]; default 2
 * @param size         question-answer pairs trained on, at least 1, drawn from all; 0 for all; default 9500
 * @param maxDifficult bad answers that are looked into at most, at least 1; default 500
 * @param maxNewTokens longest answer, question or solution, at least 1; default 512
 * @param seed         of the draws
 */
public record Stat(String validation, Mode mode, Judge hard, TextSource teacher, String skills, int perSkill,
        int answers,
                   int references, int newPerSkill, int solutions, int agree, int size, int maxDifficult,
                   int maxNewTokens, long seed) implements Selector {
    /** Where the questions for missing skills come from. */
    public enum Mode {
        /** They are drawn from the data. */
        SELECT,
        /** A teacher invents them. */
        SYNTHESISE
    }

    /** STAT, 2025. */
    public static final Method<Stat> METHOD = new Method<>("stat", Method.Kind.SELECT,
            "Skill-Targeted Adaptive Training",
            "arXiv 2510.10023", settings -> new Stat(settings.text("validation", "validation.jsonl"),
                    settings.choice("mode", Mode.SELECT),
                    settings.fragment("hard", Method.Kind.JUDGE, Judge.class, new StepJudge(new Policy(), 0.85, 0.70)),
                    settings.fragment("teacher", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.text("skills", "skills"), settings.whole("perSkill", 5), settings.whole("answers", 3),
                    settings.whole("references", 3), settings.whole("newPerSkill", 2), settings.whole("solutions", 3),
                    settings.whole("agree", 2), settings.whole("size", 9500), settings.whole("maxDifficult", 500),
                    settings.whole("maxNewTokens", 512), settings.whole("seed", 0L)));

    private static final int TOLD = 10;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Stat {
        Settings.require(!validation.isBlank(), "stat", "validation", "'" + validation + "'", "a JSON Lines file");
        Settings.require(!skills.isBlank(), "stat", "skills", "'" + skills + "'", "the name of a field");
        positive("perSkill", perSkill);
        positive("answers", answers);
        positive("references", references);
        positive("newPerSkill", newPerSkill);
        positive("solutions", solutions);
        positive("maxDifficult", maxDifficult);
        positive("maxNewTokens", maxNewTokens);
        Settings.require(agree >= 1 && agree <= solutions, "stat", "agree", agree, "in [1, solutions = " + solutions
                + "]");
        Settings.require(size >= 0, "stat", "size", size, "at least 1, or 0 for all");
    }

    private static void positive(String name, int value) {
        Settings.require(value >= 1, "stat", name, value, "at least 1");
    }

    @Override
    public Method<Stat> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.REWEIGHTS);
    }

    private List<Sample> questions() {
        return DataSource.jsonLines(Path.of(validation), FieldMapping.standard()).samples();
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        List<String> problems = new ArrayList<>();
        SkillLabels labels = new SkillLabels(skills);
        samples.stream().filter(sample -> labels.of(sample).isEmpty()).findFirst().ifPresent(sample ->
                problems.add(sample.id()
                + " has no skills in its field '" + skills + "', and nothing labels them. Label the data, or name the "
                + "field."));
        List<Sample> questions = questions();
        questions.stream().flatMap(sample -> hard.problem(sample).map(problem -> sample.id() + " " + problem).stream())
                .findFirst().ifPresent(problems::add);
        samples.stream().filter(sample -> mode == Mode.SELECT && sample.response() == null && sample.candidates()
                .isEmpty())
                .findFirst().ifPresent(sample -> problems.add(sample.id() + " has no response to train on. Give it "
                + "one, or "
                        + "leave it out."));
        return problems;
    }

    @Override
    public List<String> notes(List<Sample> samples) {
        return hard instanceof StepJudge steps && steps.step() > steps.whole() ? List.of("step " + steps.step()
                + " is above whole " + steps.whole() + ", so that single steps are held to more than whole answers")
                : List.of();
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        List<Sample> questions = questions();
        long prompts = questions.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum();
        long difficult = Math.min(maxDifficult, questions.size());
        List<TextWork> work = new ArrayList<>();
        work.add(new TextWork(new Policy(), "answers to the validation questions", questions.size(), prompts,
                maxNewTokens));
        work.addAll(hard.work(questions));
        work.add(new TextWork(teacher, "names of missing skills", difficult, prompts + difficult * maxNewTokens,
                MissingSkills.TOKENS));
        return work;
    }

    @Override
    public Selection select(List<Sample> given, SelectionContext context) {
        List<Sample> questions = questions();
        Set<Long> kept = Overlap.marks(questions);
        List<Sample> pool = given.stream().filter(sample -> !Overlap.isIn(sample, kept)).toList();
        Map<String, List<Integer>> map = new SkillLabels(skills).map(pool);
        MissingSkills missing = MissingSkills.of(questions, hard, teacher, map.keySet(), maxNewTokens, maxDifficult,
                context);
        int each = mode == Mode.SELECT ? perSkill : references;
        SkillDraws draws = new SkillDraws(map, missing.profiles(), each);
        warnOfSmallSkills(draws, context);
        List<Draw> drawn = draws.draw(seed).stream().filter(draw -> !draw.places().isEmpty()).toList();
        Map<String, String> report = new LinkedHashMap<>();
        report.put("validation questions", String.valueOf(questions.size()));
        report.put("answered badly", String.valueOf(missing.difficult().size()));
        report.put("names that are no skill", String.valueOf(missing.unknown()));
        report.put("samples that ask a validation question, left out", String.valueOf(given.size() - pool.size()));
        List<Sample> pairs = mode == Mode.SELECT ? drawn.stream().flatMap(draw -> draw.places().stream())
                .flatMap(place -> answered(pool.get(place)).stream()).toList() : invented(drawn, pool, kept, context,
                report);
        report.put("pairs", String.valueOf(pairs.size()));
        draws.counts().entrySet().stream().limit(TOLD).forEach(entry -> report.put("lack " + entry.getKey(),
                entry.getValue().toString()));
        if (size > pairs.size()) {
            throw new FinetuneException(String.format(Locale.ROOT, "stat: setting 'size' is %,d, but there are only "
                    + "%,d pairs "
                    + "for the missing skills. Lower it, or set it to 0 for all of them.", size, pairs.size()));
        }
        return new Selection(size == 0 ? pairs : subset(pairs), report);
    }

    private void warnOfSmallSkills(SkillDraws draws, SelectionContext context) {
        draws.counts().keySet().forEach(skill -> {
            int there = draws.skills().getOrDefault(skill, List.of()).size();
            if (there < draws.each()) {
                context.warned("stat: only " + there + " samples exercise '" + skill + "', of which " + draws.each()
                        + " are wanted for each question; all of them are taken.");
            }
        });
    }

    private List<Sample> answered(Sample sample) {
        return sample.candidates().isEmpty() ? List.of(sample) : sample.candidates().stream().limit(answers)
                .map(candidate -> sample.withResponse(candidate.text())).toList();
    }

    private List<Sample> invented(List<Draw> drawn, List<Sample> pool, Set<Long> kept, SelectionContext context,
                                  Map<String, String> report) {
        NewQuestions.Made made = new NewQuestions(teacher, newPerSkill, solutions, agree, maxNewTokens, seed).of(drawn,
                pool,
                context);
        report.put("questions invented", String.valueOf(made.questions()));
        report.put("questions whose solutions agree", String.valueOf(made.kept()));
        return made.samples().stream().filter(sample -> !Overlap.isIn(sample, kept)).toList();
    }

    /** So many pairs of all, each as likely as any other, in their order. */
    private List<Sample> subset(List<Sample> pairs) {
        long own = CounterRandom.seed(seed, "stat.subset", 0);
        return IntStream.range(0, pairs.size()).boxed().sorted(Comparator.comparingLong(i -> CounterRandom.bits(own,
                i)))
                .limit(size).sorted().map(pairs::get).toList();
    }
}
