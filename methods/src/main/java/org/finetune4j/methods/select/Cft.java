package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
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
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.tokenizer.Message;

/**
 * CFT: shows the model a question with somebody's solution, right or wrong, and trains on a teacher's critique of it.
 *
 * <p>Critique Fine-Tuning: Learning to Critique is More Effective than Learning to Imitate, arXiv 2501.17703. The
 * response of each sample is the solution; it is read and never learned. A critique that a record brings in a field is
 * taken as it is, and others are asked of the teacher. Critiques without one verdict, or that are cut off, are left
 * out. Tests ask the plain questions. The paper trains one epoch on 50,000 rows at 5e-6, with batches of 512 and at
 * most 2048 tokens.
 *
 * @param teacher      writes the critiques that records do not bring; default the policy
 * @param critique     field of a data record that holds a ready critique; default {@code critique}
 * @param dropVerdict  critiques that are left out by their verdict: NONE (default), RIGHT or WRONG
 * @param hideAnswer   whether critiques that state the reference answer are left out, an ablation; default false
 * @param temperature  of the critiques, at least 0; default 0.3
 * @param topP         of the critiques, in (0, 1]; default 0.95
 * @param maxNewTokens longest critique, at least 1; default 3200
 * @param seed         of the draws
 */
public record Cft(TextSource teacher, String critique, DropVerdict dropVerdict, boolean hideAnswer, double temperature,
                  double topP, int maxNewTokens, long seed) implements Selector {
    /** Critiques that are left out by their verdict. */
    public enum DropVerdict {
        /** None: both are kept. */
        NONE,
        /** Those that find the solution right. */
        RIGHT,
        /** Those that find it wrong. */
        WRONG
    }

    /** CFT, 2025. */
    public static final Method<Cft> METHOD = new Method<>("cft", Method.Kind.SELECT,
            "Critique Fine-Tuning: Learning to Critique is More Effective than Learning to Imitate", "arXiv 2501.17703",
            settings -> new Cft(settings.fragment("teacher", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.text("critique", "critique"), settings.choice("dropVerdict", DropVerdict.NONE),
                    settings.flag("hideAnswer", false), settings.number("temperature", 0.3), settings.number("topP",
                    0.95),
                    settings.whole("maxNewTokens", 3200), settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Cft {
        Settings.require(!critique.isBlank(), "cft", "critique", "'" + critique + "'", "the name of a field");
        new Decoding(temperature, topP, maxNewTokens).requireFor("cft");
    }

    @Override
    public Method<Cft> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_TARGET);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        return samples.stream().filter(sample -> sample.prompt().isEmpty() || String.valueOf(sample.response())
                .isBlank()
                || sample.response() == null).limit(1).map(sample -> sample.id()
                + " has no solution to criticise: its response is missing or empty. Name the field that holds it by "
                + "fields(response = ...), or leave the sample out.").toList();
    }

    private boolean isReady(Sample sample) {
        return !sample.fields().getOrDefault(critique, "").isBlank();
    }

    private static String question(Sample sample) {
        return sample.prompt().get(sample.prompt().size() - 1).text();
    }

    private static String request(Sample sample) {
        return CritiqueFormat.request(question(sample), String.valueOf(sample.response()));
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        List<Sample> open = samples.stream().filter(sample -> !isReady(sample)).toList();
        return open.isEmpty() ? List.of() : List.of(new TextWork(teacher, "critiques", open.size(), open.stream()
                .mapToLong(sample -> TextWork.tokens(request(sample).length())).sum(), maxNewTokens));
    }

    @Override
    public List<Sample> likely(List<Sample> samples) {
        return samples.stream().map(sample -> row(sample, isReady(sample) ? sample.fields().get(critique)
                : String.valueOf(sample.response()))).toList();
    }

    /** The sample whose last turn is question and solution and whose response is the critique. */
    private static Sample row(Sample sample, String text) {
        List<Message> turns = new ArrayList<>(sample.prompt());
        Message asked = turns.remove(turns.size() - 1);
        turns.add(asked.withContent(CritiqueFormat.prompt(asked.text(), String.valueOf(sample.response()))));
        turns.add(Message.assistant(text));
        return new Sample(sample.id(), sample.conversation().withMessages(turns), List.of(), sample.answer(),
                sample.fields(),
                sample.provenance());
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        List<Integer> open = IntStream.range(0, samples.size()).filter(i -> !isReady(samples.get(i))).boxed().toList();
        Decoding decoding = new Decoding(temperature, topP, maxNewTokens);
        List<TextAnswer> written = context.answer(teacher, "write critiques", open.stream().map(i -> new TextRequest(
                samples.get(i).id(), List.of(Message.user(request(samples.get(i)))), decoding,
                CounterRandom.seed(seed, "cft", i))).toList());
        String[] critiques = samples.stream().map(sample -> sample.fields().getOrDefault(critique, ""))
                .toArray(String[]::new);
        CritiqueTally tally = new CritiqueTally();
        for (int i = 0; i < open.size(); i++) {
            boolean whole = written.get(i).complete();
            tally.cut(whole ? 0 : 1);
            critiques[open.get(i)] = whole ? AnswerText.of(written.get(i)) : "";
        }
        List<Sample> rows = new ArrayList<>();
        for (int i = 0; i < critiques.length; i++) {
            if (!critiques[i].isEmpty() && tally.keeps(samples.get(i), critiques[i], this)) {
                rows.add(row(samples.get(i), CritiqueFormat.withoutEnd(critiques[i])));
            }
        }
        if (rows.isEmpty()) {
            throw new FinetuneException("cft: none of " + samples.size() + " critiques is left: " + tally.report(0)
                    + ". Ask another teacher, allow more maxNewTokens, or leave fewer out.");
        }
        return new Selection(rows, tally.report(rows.size()));
    }
}
