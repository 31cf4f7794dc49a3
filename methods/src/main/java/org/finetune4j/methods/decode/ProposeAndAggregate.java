package org.finetune4j.methods.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextWindow;
import org.finetune4j.tokenizer.Conversation;

/**
 * Propose and aggregate: a model drafts {@code n} answers, writes n better ones from those as often as layers but one,
 * and one from the last.
 *
 * <p>From Drafts to Answers: Unlocking LLM Potential via Aggregation Fine-Tuning, arXiv 2501.11877. Layers are counted
 * as the official code does, where 2 is one intermediate and one final aggregation, so that a question costs
 * {@code n + (layers - 1) n + 1} answers. The question never changes; a layer sees the drafts of the one before alone.
 *
 * @param n                drafts of a layer, at least 1; default 5
 * @param layers           aggregations one after another, at least 1; default 2
 * @param temperature      of drafts, at least 0; default 0.7
 * @param topP             of drafts, in (0, 1]; default 0.95
 * @param finalTemperature of the answer, at least 0; default 0.7
 * @param finalTopP        of the answer, in (0, 1]; default 1
 * @param maxNewTokens     longest draft and answer, at least 1; default 4096
 * @param systemRole       whether the chat template has a system turn; default true
 * @param seed             of all draws
 */
public record ProposeAndAggregate(int n, int layers, double temperature, double topP, double finalTemperature,
                                  double finalTopP, int maxNewTokens, boolean systemRole,
                                  long seed) implements Fragment {
    /** Propose and aggregate, 2025. */
    public static final Method<ProposeAndAggregate> METHOD = new Method<>("proposeAndAggregate", Method.Kind.DECODE,
            "From Drafts to Answers: Unlocking LLM Potential via Aggregation Fine-Tuning", "arXiv 2501.11877",
            settings -> new ProposeAndAggregate(settings.whole("n", 5), settings.whole("layers", 2),
                    settings.number("temperature", 0.7), settings.number("topP", 0.95),
                    settings.number("finalTemperature", 0.7), settings.number("finalTopP", 1),
                    settings.whole("maxNewTokens", 4096), settings.flag("systemRole", true), settings.whole("seed",
                    0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public ProposeAndAggregate {
        Settings.require(n >= 1, "proposeAndAggregate", "n", n, "at least 1");
        Settings.require(layers >= 1, "proposeAndAggregate", "layers", layers, "at least 1");
        new Decoding(temperature, topP, maxNewTokens).requireFor("proposeAndAggregate");
        Settings.require(finalTemperature >= 0 && Double.isFinite(finalTemperature), "proposeAndAggregate",
                "finalTemperature", finalTemperature, "at least 0 and finite");
        Settings.require(finalTopP > 0 && finalTopP <= 1, "proposeAndAggregate", "finalTopP", finalTopP, "in (0, 1]");
    }

    /** Answers requests, in order; each layer is one call. */
    public interface Layer {
        /** The answers. */
        List<TextAnswer> answer(List<TextRequest> requests);
    }

    /**
     * What came of one question.
     *
     * @param layers the drafts of each layer, the first being the proposals
     * @param answer the last aggregation
     */
    public record Tree(List<List<String>> layers, String answer) {
    }

    @Override
    public Method<ProposeAndAggregate> method() {
        return METHOD;
    }

    /** Answers that a question costs. */
    public int calls() {
        return n + (layers - 1) * n + 1;
    }

    /** What may be worth knowing: drafts at temperature 0 are all the same. */
    public Optional<String> note() {
        return n > 1 && temperature == 0 ? Optional.of("proposeAndAggregate: " + n + " drafts at temperature 0 are "
                + "all the same.")
                : Optional.empty();
    }

    /**
     * Answers questions, a layer of all of them at a time.
     *
     * @param window how much the model reads, or nothing where nobody says; drafts that do not fit are cut
     * @throws FinetuneException when drafts cannot fit, before anything is generated
     */
    public List<Tree> answer(List<Conversation> questions, Layer model, Optional<TextWindow> window) {
        AggregationPrompt prompt = new AggregationPrompt(systemRole);
        // Found before anything is generated: the shortest drafts are of one token.
        window.ifPresent(limit -> questions.forEach(question -> prompt.cap(question, n, maxNewTokens, limit)));
        List<List<List<String>>> trees = new ArrayList<>();
        questions.forEach(question -> trees.add(new ArrayList<>()));
        Decoding drafting = new Decoding(temperature, topP, maxNewTokens);
        for (int layer = 0; layer < layers; layer++) {
            List<List<String>> drafts = generate(prompts(questions, trees, prompt, window), layer, n, drafting, model);
            for (int i = 0; i < trees.size(); i++) {
                trees.get(i).add(drafts.get(i));
            }
        }
        List<List<String>> answers = generate(prompts(questions, trees, prompt, window), layers, 1,
                new Decoding(finalTemperature, finalTopP, maxNewTokens), model);
        return IntStream.range(0, trees.size()).mapToObj(i -> new Tree(List.copyOf(trees.get(i)), answers.get(i)
                .get(0)))
                .toList();
    }

    private List<Conversation> prompts(List<Conversation> questions, List<List<List<String>>> trees,
                                       AggregationPrompt prompt, Optional<TextWindow> window) {
        return IntStream.range(0, questions.size()).mapToObj(i -> {
            List<List<String>> done = trees.get(i);
            if (done.isEmpty()) {
                return prompt.plain(questions.get(i));
            }
            List<String> drafts = done.get(done.size() - 1);
            return prompt.of(questions.get(i), window.map(limit -> prompt.fitting(questions.get(i), drafts,
                    maxNewTokens,
                    limit)).orElse(drafts));
        }).toList();
    }

    private List<List<String>> generate(List<Conversation> prompts, int layer, int each, Decoding decoding,
            Layer model) {
        List<TextRequest> requests = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            long own = CounterRandom.seed(seed, "proposeAndAggregate." + layer, i);
            for (int j = 0; j < each; j++) {
                requests.add(new TextRequest("question " + (i + 1), prompts.get(i), decoding, CounterRandom.bits(own,
                        j)));
            }
        }
        List<String> texts = model.answer(requests).stream().map(AnswerText::of).toList();
        return IntStream.range(0, prompts.size()).mapToObj(i -> List.copyOf(texts.subList(i * each, (i + 1) * each)))
                .toList();
    }
}
