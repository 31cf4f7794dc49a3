package org.finetune4j.methods.select;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.tokenizer.Message;

/**
 * Gives programs wrong variants that are as close to them as can be, for
 * {@link org.finetune4j.methods.objective.FaultWeighted}, in the field {@code faulty} of their samples.
 *
 * <p>Fault-Aware Fine-Tuning for Better Code Generation, arXiv 2503.16913. Variants are made by rules or by a model;
 * with tests, programs that fail theirs are left out, and so are variants that pass.
 *
 * @param by            RULES (the default) or MODEL
 * @param teacher       writes variants by MODEL; default the policy
 * @param tests         how tests are run; default {@code python3}
 * @param verify        TESTS (the default): a variant must fail them; NONE where there are none
 * @param variants      of each program at most, at least 1; default 1
 * @param minSimilarity least similarity of a variant, 1 - edit distance / length, in [0, 1); default 0.7
 * @param maxNewTokens  longest variant of a model, at least 1; default 1024
 * @param seed          of the draws
 */
public record FaultyVariants(By by, TextSource teacher, CodeTests tests, Verify verify, int variants,
        double minSimilarity,
                             int maxNewTokens, long seed) implements Selector {
    /** Who makes variants. */
    public enum By {
        /** Rules: another operator, number, order of arguments or name, or a line that is missing. */
        RULES,
        /** A model that is asked to. */
        MODEL
    }

    /** What says that a variant is wrong. */
    public enum Verify {
        /** It fails the tests that the program passes. */
        TESTS,
        /** Nothing does. */
        NONE
    }

    /** The data of FAIT, 2025. */
    public static final Method<FaultyVariants> METHOD = new Method<>("faultyVariants", Method.Kind.SELECT,
            "Fault-Aware Fine-Tuning for Better Code Generation (data)", "arXiv 2503.16913",
            settings -> new FaultyVariants(settings.choice("by", By.RULES),
                    settings.fragment("teacher", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.fragment("tests", Method.Kind.JUDGE, CodeTests.class,
                            CodeTests.METHOD.create(new Settings(Map.of()))),
                    settings.choice("verify", Verify.TESTS), settings.whole("variants", 1),
                    settings.number("minSimilarity", 0.7), settings.whole("maxNewTokens", 1024),
                    settings.whole("seed", 0L)));

    /** The field in which variants are kept. */
    public static final String FIELD = "faulty";

    private static final double TEMPERATURE = 0.8;
    private static final int TRIES = 4;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public FaultyVariants {
        Settings.require(variants >= 1, "faultyVariants", "variants", variants, "at least 1");
        Settings.require(minSimilarity >= 0 && minSimilarity < 1, "faultyVariants", "minSimilarity", minSimilarity,
                "at least 0 and below 1");
        new Decoding(TEMPERATURE, 1, maxNewTokens).requireFor("faultyVariants");
    }

    @Override
    public Method<FaultyVariants> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of();
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        for (Sample sample : samples) {
            if (sample.response() == null) {
                return List.of(sample.id() + " has no program: it has no response. Give it one, or leave it out.");
            }
            Optional<String> problem = verify == Verify.TESTS ? tests.problem(sample) : Optional.empty();
            if (problem.isPresent()) {
                return List.of(sample.id() + " " + problem.get() + " Without tests, let verify be NONE.");
            }
        }
        return List.of();
    }

    private static String request(Sample sample) {
        return new Reply(sample, "").question() + "\n\nThis is a right program:\n" + sample.response()
                + "\n\nWrite a program that "
                + "is as close to it as possible, but wrong: change one detail so that it does something else. Reply "
                + "with the "
                + "program alone.";
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        return by == By.RULES ? List.of() : List.of(new TextWork(teacher, "wrong variants",
                (long) TRIES * variants * samples.size(), TRIES * variants * samples.stream().mapToLong(sample ->
                        TextWork.tokens(request(sample).length())).sum(), maxNewTokens));
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        boolean tested = verify == Verify.TESTS;
        List<Verdict> right = tested ? verdicts(samples.stream().map(sample -> new Reply(sample, String.valueOf(
                sample.response()))).toList(), context) : List.of();
        List<Sample> kept = IntStream.range(0, samples.size()).filter(i -> !tested || right.get(i) == Verdict.ACCEPTED)
                .mapToObj(samples::get).toList();
        List<List<String>> proposed = by == By.RULES ? kept.stream().map(this::byRules).toList() : byModel(kept,
                context);
        List<Sample> made = new ArrayList<>();
        int found = 0;
        int without = 0;
        for (int i = 0; i < kept.size(); i++) {
            List<String> wrong = wrong(kept.get(i), proposed.get(i), context);
            found += wrong.size();
            without += wrong.isEmpty() ? 1 : 0;
            made.add(with(kept.get(i), wrong));
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("programs", String.valueOf(samples.size()));
        report.put("programs that fail their tests, left out", String.valueOf(samples.size() - kept.size()));
        report.put("wrong variants" + (tested ? "" : ", unverified"), String.valueOf(found));
        report.put("programs without a variant", String.valueOf(without));
        return new Selection(made, report);
    }

    private List<Verdict> verdicts(List<Reply> replies, SelectionContext context) {
        return tests.judge(replies, context);
    }

    /** One fault in the program, all else of the response as it is; in an order of the seed. */
    private List<String> byRules(Sample sample) {
        String response = String.valueOf(sample.response());
        String program = CodeTests.code(response);
        int from = response.indexOf(program);
        List<String> faults = ProgramFaults.of(program);
        long own = CounterRandom.seed(seed, "faultyVariants." + sample.id(), 0);
        return IntStream.range(0, faults.size()).boxed().sorted(Comparator.comparingLong(i -> CounterRandom.bits(own,
                i)))
                .map(i -> response.substring(0, from) + faults.get(i) + response.substring(from + program.length()))
                .toList();
    }

    private List<List<String>> byModel(List<Sample> samples, SelectionContext context) {
        int each = TRIES * variants;
        List<TextRequest> requests = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            long own = CounterRandom.seed(seed, "faultyVariants", i);
            for (int j = 0; j < each; j++) {
                requests.add(new TextRequest(samples.get(i).id(), List.of(Message.user(request(samples.get(i)))),
                        new Decoding(TEMPERATURE, 1, maxNewTokens), CounterRandom.bits(own, j)));
            }
        }
        List<TextAnswer> answers = context.answer(teacher, "write wrong variants", requests);
        return IntStream.range(0, samples.size()).mapToObj(i -> answers.subList(i * each, (i + 1) * each).stream()
                .filter(TextAnswer::complete).map(AnswerText::of)
                .map(text -> inPlace(String.valueOf(samples.get(i).response()), text)).distinct().toList()).toList();
    }

    /** A response with the program of an answer in the place of its own: what a model writes around it is no part of either. */
    static String inPlace(String response, String answer) {
        String whole = CodeTests.code(response);
        String program = bare(whole);
        int from = response.indexOf(whole) + whole.indexOf(program);
        return response.substring(0, from) + bare(CodeTests.code(answer)) + response.substring(from + program.length());
    }

    /** Without empty lines around it; the first line keeps its indent. */
    private static String bare(String program) {
        return program.replaceFirst("\\A(?:[ \\t]*\\R)+", "").stripTrailing();
    }

    /** The first variants that are near, differ in more than comments and white space, and fail the tests. */
    private List<String> wrong(Sample sample, List<String> proposed, SelectionContext context) {
        String right = String.valueOf(sample.response());
        List<String> wrong = new ArrayList<>();
        for (String variant : proposed) {
            int longest = Math.max(variant.length(), right.length());
            boolean near = longest > 0 && 1 - (double) LevenshteinDistance.getDefaultInstance().apply(right,
                    variant) / longest
                    >= minSimilarity;
            if (near && !ProgramFaults.essence(variant).equals(ProgramFaults.essence(right)) && (verify == Verify.NONE
                    || verdicts(List.of(new Reply(sample, variant)), context).get(0) == Verdict.REJECTED)) {
                wrong.add(variant);
            }
            if (wrong.size() == variants) {
                break;
            }
        }
        return wrong;
    }

    private static Sample with(Sample sample, List<String> wrong) {
        ArrayNode list = StrictJson.mapper().createArrayNode();
        wrong.forEach(list::add);
        Map<String, String> fields = new HashMap<>(sample.fields());
        fields.put(FIELD, list.toString());
        return new Sample(sample.id(), sample.conversation(), sample.candidates(), sample.answer(), fields,
                sample.provenance());
    }
}
