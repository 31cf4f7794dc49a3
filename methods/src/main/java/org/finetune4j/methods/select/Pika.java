package org.finetune4j.methods.select;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
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
import org.finetune4j.methods.judge.LlmRating;
import org.finetune4j.methods.judge.Rating;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.tokenizer.Message;

/**
 * PiKa: trains on expert instructions that a model writes for personas, with the best of several answers to each.
 *
 * <p>PiKa: Expert-Level Synthetic Datasets for Post-Training Alignment from Scratch, arXiv 2510.06670. The data of the
 * recipe are personas: documents, or samples whose last turn is one. The answerer sees the instruction alone. The
 * folder of the run keeps every item in {@code pika.jsonl}, whose lines are samples with prompt and response, and pairs
 * with {@code response} as the chosen and {@code worst} as the rejected one. What the sources leave open, the number of
 * answers, their temperature and the wording, is this project's choice.
 *
 * @param writer         writes an instruction for a persona; default the policy
 * @param answerer       answers it; default the policy
 * @param scorer         rates the answers; default a model's numbers from 1 to 10, which needs allowSameJudge
 * @param answersPerPrompt answers to each instruction, at least 1; default 4
 * @param size           instructions that are wanted, at least 1; default 30000; as many as the personas give otherwise
 * @param temperature    at least 0, above 0 with several answers; default 0.8
 * @param maxAnswerTokens longest answer and instruction, at least 1; default 4096
 * @param choose         which answers go on: the BEST rated (default), or ALL, for a selector among candidates after it
 * @param allowSameJudge whether the writer may rate, too; default false
 * @param rateDifficulty whether the scorer says how hard each instruction is, for the report and the file; default true
 * @param seed           of the draws
 */
public record Pika(TextSource writer, TextSource answerer, Rating scorer, int answersPerPrompt, int size,
        double temperature,
                   int maxAnswerTokens, Choose choose, boolean allowSameJudge, boolean rateDifficulty,
                   long seed) implements Selector {
    /** Which answers go on. */
    public enum Choose {
        /** The best rated one. */
        BEST,
        /** All of them, as candidates. */
        ALL
    }

    /** PiKa, 2025. */
    public static final Method<Pika> METHOD = new Method<>("pika", Method.Kind.SELECT,
            "PiKa: Expert-Level Synthetic Datasets for Post-Training Alignment from Scratch", "arXiv 2510.06670",
            settings -> new Pika(source(settings, "writer"), source(settings, "answerer"),
                    settings.fragment("scorer", Method.Kind.JUDGE, Rating.class, new LlmRating(new Policy())),
                    settings.whole("answersPerPrompt", 4), settings.whole("size", 30_000),
                    settings.number("temperature", 0.8), settings.whole("maxAnswerTokens", 4096),
                    settings.choice("choose", Choose.BEST), settings.flag("allowSameJudge", false),
                    settings.flag("rateDifficulty", true), settings.whole("seed", 0L)));

    /** Tokens of an instruction, for estimates alone. */
    private static final int TYPICAL = 100;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Pika {
        Settings.require(answersPerPrompt >= 1, "pika", "answersPerPrompt", answersPerPrompt, "at least 1");
        Settings.require(size >= 1, "pika", "size", size, "at least 1");
        new Decoding(temperature, 1, maxAnswerTokens).requireFor("pika");
        if (answersPerPrompt > 1 && temperature == 0) {
            throw new FinetuneException("pika: " + answersPerPrompt + " answers at temperature 0 are identical "
                    + "answers. Choose a "
                    + "temperature above 0, or one answer.");
        }
    }

    private static TextSource source(Settings settings, String name) {
        return settings.fragment(name, Method.Kind.SOURCE, TextSource.class, new Policy());
    }

    @Override
    public Method<Pika> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return choose == Choose.BEST ? Set.of(Trait.CHOOSES_TARGET) : Set.of();
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        List<String> problems = new ArrayList<>();
        if (!allowSameJudge && answersPerPrompt > 1 && (scorer.isBy(writer) || scorer.isBy(answerer))) {
            problems.add("one model both writes and rates, which favours its own habits. Give another scorer, or set "
                    + "allowSameJudge = true.");
        }
        samples.stream().filter(sample -> persona(sample).isBlank()).findFirst().ifPresent(sample ->
                problems.add(sample.id()
                + " is no persona: it has neither a text nor a turn. Give one, or leave it out."));
        return problems;
    }

    private static String persona(Sample sample) {
        return sample.isDocument() ? sample.fields().getOrDefault(Sample.DOCUMENT, "")
                : sample.prompt().isEmpty() ? "" : sample.prompt().get(sample.prompt().size() - 1).text();
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        long items = Math.min(size, samples.size());
        List<TextWork> work = new ArrayList<>();
        work.add(new TextWork(writer, "instructions", samples.size(), samples.stream().mapToLong(sample ->
                TextWork.tokens(request(sample).length())).sum(), maxAnswerTokens));
        work.add(new TextWork(answerer, "answers", items * answersPerPrompt, items * answersPerPrompt * TYPICAL,
                maxAnswerTokens));
        if (answersPerPrompt > 1) {
            List<Sample> rated = likely(samples).stream().limit(items).toList();
            IntStream.range(0, answersPerPrompt).forEach(i -> work.addAll(scorer.work(rated)));
        }
        if (rateDifficulty) {
            work.addAll(scorer.difficultyWork(likely(samples).stream().limit(items).toList()));
        }
        return work;
    }

    @Override
    public List<Sample> likely(List<Sample> samples) {
        return samples.stream().limit(size).map(sample -> {
            Sample question = new Sample(sample.id(), List.of(Message.user(persona(sample))), choose == Choose.BEST
                    ? List.of()
                    : List.of(new Sample.Candidate(persona(sample), "answer 1"), new Sample.Candidate(persona(sample)
                    + ".",
                            "answer 2")), null, sample.fields());
            return choose == Choose.BEST ? question.withResponse(persona(sample)) : question;
        }).toList();
    }

    @Override
    public Selection select(List<Sample> personas, SelectionContext context) {
        InstructionFilter filter = new InstructionFilter();
        List<Sample> order = new PersonaOrder(seed).of(personas);
        List<PikaItem> items = new ArrayList<>();
        int tried = 0;
        while (items.size() < size && tried < order.size()) {
            List<Sample> next = order.subList(tried, Math.min(order.size(), tried + size - items.size()));
            tried += next.size();
            items.addAll(made(next, filter, context));
        }
        if (items.size() < size) {
            context.warned("pika: only " + items.size() + " of " + size + " instructions came of " + personas.size()
                    + " personas. Give more personas, or a smaller size.");
        }
        items = withDifficulty(items, context);
        Path folder = context.folder();
        if (folder != null) {
            AtomicFiles.onDisk().writeText(folder.resolve("pika.jsonl"), items.stream().map(item -> item.line(
                    writer.description(), answerer.description(), seed) + "\n").collect(Collectors.joining()));
        }
        return new Selection(items.stream().map(item -> item.sample(choose == Choose.ALL)).toList(),
                new PikaReport(items, tried, filter).lines());
    }

    private List<PikaItem> withDifficulty(List<PikaItem> items, SelectionContext context) {
        if (!rateDifficulty) {
            return items;
        }
        List<Double> difficulties = scorer.difficulties(items.stream().map(item -> item.sample(true)).toList(), context);
        return IntStream.range(0, items.size()).mapToObj(i -> items.get(i).withDifficulty(difficulties.get(i))).toList();
    }

    private List<PikaItem> made(List<Sample> personas, InstructionFilter filter, SelectionContext context) {
        Decoding decoding = new Decoding(temperature, 1, maxAnswerTokens);
        List<TextAnswer> written = context.answer(writer, "write instructions", personas.stream().map(persona ->
                new TextRequest(persona.id(), List.of(Message.user(request(persona))), decoding, own(persona, "write")))
                .toList());
        List<Integer> kept = IntStream.range(0, personas.size()).filter(i -> filter.keeps(personas.get(i).id(),
                written.get(i))).boxed().toList();
        List<TextRequest> requests = new ArrayList<>();
        for (int i : kept) {
            for (int j = 0; j < answersPerPrompt; j++) {
                requests.add(new TextRequest(personas.get(i).id(),
                        List.of(Message.user(AnswerText.of(written.get(i)))), decoding,
                        CounterRandom.bits(own(personas.get(i), "answer"), j)));
            }
        }
        List<TextAnswer> answers = context.answer(answerer, "answer the instructions", requests);
        List<Double> ratings = ratings(requests, answers, context);
        List<PikaItem> items = new ArrayList<>();
        for (int i = 0; i < kept.size(); i++) {
            int from = i * answersPerPrompt;
            List<Double> rated = ratings.subList(from, from + answersPerPrompt);
            BestAndWorst choice = BestAndWorst.of(rated);
            if (choice.rated()) {
                items.add(new PikaItem(personas.get(kept.get(i)), written.get(kept.get(i)),
                        answers.subList(from, from + answersPerPrompt), rated, choice, Double.NaN));
            } else {
                filter.leave("instructions without a whole answer");
            }
        }
        return items;
    }

    /** Nobody need rate a single answer. */
    private List<Double> ratings(List<TextRequest> requests, List<TextAnswer> answers, SelectionContext context) {
        List<Integer> whole = IntStream.range(0, answers.size()).filter(i -> InstructionFilter.mayBeChosen(
                requests.get(i).conversation().messages().get(0).text(), answers.get(i))).boxed().toList();
        List<Double> ratings = new ArrayList<>(java.util.Collections.nCopies(answers.size(), Double.NaN));
        List<Double> given = answersPerPrompt == 1 ? whole.stream().map(i -> 0.0).toList() : scorer.rate(whole.stream()
                .map(i ->
                new Reply(new Sample(requests.get(i).id(), requests.get(i).conversation(), List.of(), null, Map.of()),
                        AnswerText.of(answers.get(i)))).toList(), context);
        for (int i = 0; i < whole.size(); i++) {
            ratings.set(whole.get(i), given.get(i));
        }
        return ratings;
    }

    private long own(Sample persona, String purpose) {
        return CounterRandom.seed(seed, "pika." + purpose + "." + persona.id(), 0);
    }

    private static String request(Sample persona) {
        return "Here is somebody:\n" + persona(persona).strip() + "\n\nWrite one demanding task of their field that "
                + "this person "
                + "would give to an expert, and that can be answered in one reply. Reply with the task alone.";
    }
}
