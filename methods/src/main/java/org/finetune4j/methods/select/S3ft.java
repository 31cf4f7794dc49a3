package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.select.OwnAnswers.Outcome;
import org.finetune4j.methods.select.RoutedTargets.Target;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;

/**
 * S3FT: trains on the model's own answer where it is right, else on its own rewording of the response where that is
 * right, else on the response.
 *
 * <p>Selective Self-to-Supervised Fine-Tuning for Generalization in Large Language Models, arXiv 2502.08130. The model
 * is the one that training starts from. A prompt whose answer the judge rejects is shown again with its response, to be
 * said in the model's own words; what is trained on has the prompt alone. Nothing is dropped and nothing repeated. The
 * paper tunes Mistral-7B-Instruct with LoRA of rank 8, alpha 16 and dropout 0.1.
 *
 * @param judge        says whether an answer is right
 * @param paraphrase   how the response is shown to be reworded, with the places {@code {prompt}} and {@code
 *                     {response}}; empty to reword nothing, which is SSR
 * @param samples      answers to each prompt, of which the first right one is taken, at least 1; default 1, the paper's
 * @param temperature  of answers and rewordings, at least 0, with several answers above 0; default 0
 * @param topP         of answers and rewordings, in (0, 1]; default 1
 * @param maxNewTokens longest answer, at least 1; one that is cut off counts as wrong; default 512
 * @param generator    the model; another one than the policy only with {@code allowForeign}
 * @param allowForeign whether targets may be another model's, which are not the policy's own
 * @param seed         of the draws
 */
public record S3ft(Judge judge, String paraphrase, int samples, double temperature, double topP, int maxNewTokens,
                   TextSource generator, boolean allowForeign, long seed) implements EpochSelector {
    /** The words in which rewordings are asked for; the paper's are not known. */
    public static final String PARAPHRASE = "{prompt}\n\nThis is a right answer:\n{response}\n\nGive the same answer "
            + "in your "
            + "own words, as you would if you had found it yourself. Say nothing about the answer above.";

    /** S3FT, 2025. */
    public static final Method<S3ft> METHOD = new Method<>("s3ft", Method.Kind.SELECT,
            "Selective Self-to-Supervised Fine-Tuning for Generalization in Large Language Models", "arXiv 2502.08130",
            settings -> new S3ft(settings.fragment("judge", Method.Kind.JUDGE, Judge.class, new ExactAnswer()),
                    settings.text("paraphrase", PARAPHRASE), settings.whole("samples", 1),
                    settings.number("temperature", 0), settings.number("topP", 1), settings.whole("maxNewTokens", 512),
                    settings.fragment("generator", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.flag("allowForeign", false), settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public S3ft {
        if (java.util.Objects.isNull(judge)) {
            throw new FinetuneException("s3ft needs a judge. Give one, such as exactAnswer() or llmJudge().");
        }
        if (!paraphrase.isEmpty() && !(paraphrase.contains("{prompt}") && paraphrase.contains("{response}"))) {
            throw new FinetuneException("s3ft: setting 'paraphrase' is '" + paraphrase + "', but must hold the places "
                    + "{prompt} "
                    + "and {response}, or be empty to reword nothing.");
        }
        Settings.require(samples >= 1, "s3ft", "samples", samples, "at least 1");
        decoding(temperature, topP, maxNewTokens).requireFor("s3ft");
        requireDifferent("s3ft", samples, temperature);
        if (!allowForeign && !(generator instanceof Policy)) {
            throw new FinetuneException("s3ft: setting 'generator' is " + generator.description()
                    + ", whose answers are not "
                    + "the own ones of the model that is trained. Leave it out, or set allowForeign = true.");
        }
    }

    /** A selector with the default settings. */
    public S3ft(Judge judge) {
        this(judge, PARAPHRASE, 1, 0, 1, 512, new Policy(), false, 0);
    }

    private static Decoding decoding(double temperature, double topP, int maxNewTokens) {
        return new Decoding(temperature, topP, maxNewTokens);
    }

    static void requireDifferent(String method, int samples, double temperature) {
        if (samples > 1 && temperature == 0) {
            throw new FinetuneException(method + ": settings 'samples' " + samples + " and 'temperature' 0 contradict "
                    + "each "
                    + "other, because all answers would be the same. Choose a temperature above 0, or one sample.");
        }
    }

    @Override
    public Method<S3ft> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_TARGET, Trait.ROUTES_TARGET);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        return RoutedTargets.problems(samples, judge);
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        List<TextWork> work = new ArrayList<>();
        work.add(new TextWork(generator, "answers to the prompts", (long) this.samples * samples.size(),
                this.samples * samples.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum(),
                maxNewTokens));
        for (int i = 0; i < this.samples; i++) {
            work.addAll(judge.work(samples));
        }
        if (!paraphrase.isEmpty()) {
            work.add(new TextWork(generator, "rewordings of responses", samples.size(), samples.stream()
                    .mapToLong(sample ->
                    TextWork.tokens(withResponse(sample).messages())).sum(), maxNewTokens));
            work.addAll(judge.work(samples));
        }
        return work;
    }

    @Override
    public long scoredResponses(List<Sample> given) {
        // What is trained on, and the response beside it.
        return 2L * given.size();
    }

    @Override
    public Selection select(List<Sample> given, SelectionContext context) {
        OwnAnswers answers = new OwnAnswers(generator, decoding(temperature, topP, maxNewTokens), samples, seed);
        List<Outcome> own = answers.of(given, "answer the prompts", Sample::promptConversation,
                replies -> judge.judge(replies, context), context);
        List<Integer> rejected = IntStream.range(0, given.size()).filter(i -> own.get(i).accepted() == null).boxed()
                .toList();
        List<Outcome> reworded = paraphrase.isEmpty() ? List.of() : new OwnAnswers(generator, answers.decoding(), 1,
                seed)
                .of(rejected.stream().map(given::get).toList(), "reword the responses", this::withResponse,
                        replies -> judge.judge(replies, context), context);
        List<Target> targets = new ArrayList<>(own.stream().map(outcome -> Target.of(outcome, Optional.empty()))
                .toList());
        for (int i = 0; i < reworded.size(); i++) {
            targets.set(rejected.get(i), Target.of(own.get(rejected.get(i)), Optional.of(reworded.get(i))));
        }
        return new RoutedTargets("s3ft", given, targets).selection(context);
    }

    /** The prompt whose last turn shows the response, too; it is never trained on. */
    private Conversation withResponse(Sample sample) {
        List<Message> turns = new ArrayList<>(sample.prompt());
        Message last = turns.remove(turns.size() - 1);
        turns.add(last.withContent(paraphrase.replace("{prompt}", "\0").replace("{response}",
                String.valueOf(sample.response()))
                .replace("\0", last.text())));
        return sample.promptConversation().withMessages(turns);
    }
}
