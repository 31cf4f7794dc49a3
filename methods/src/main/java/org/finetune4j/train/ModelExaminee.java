package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.RollingWindows;
import org.finetune4j.methods.evaluate.Sampling;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.model.SentenceEncoder;
import org.finetune4j.model.TokenEncoder;
import org.finetune4j.model.TokenEncoder.TokenVectors;
import org.finetune4j.tokenizer.Supervision;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** A model of a run that is measured; what is computed once is kept until this is closed. */
final class ModelExaminee implements Examinee, AutoCloseable {
    private final FineTuning job;
    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final TextEncoding encoding;
    private final LengthLimit limit;
    private final String name;
    private final TrainingListener listener;
    private final Answers answers;
    private final Map<Continuation, Likelihood> known = new HashMap<>();
    private final Map<String, SentenceEncoder> encoders = new HashMap<>();
    private final Map<String, TokenEncoder> tokenEncoders = new HashMap<>();
    private final Map<Integer, ModelExaminee> exits = new HashMap<>();
    private final int blocks;
    private @Nullable TextScores scores;

    /**
     * A model to be measured, which stays its owner's and must not change meanwhile.
     *
     * @param limit    longest text that is scored
     * @param name     what it is called, such as {@code the base model}
     */
    ModelExaminee(FineTuning job, LanguageModel model, Tokenizer tokenizer, LengthLimit limit, String name,
                  TrainingListener listener) {
        this(job, model, tokenizer, limit, name, listener, model.config().layers());
    }

    private ModelExaminee(FineTuning job, LanguageModel model, Tokenizer tokenizer, LengthLimit limit, String name,
                          TrainingListener listener, int blocks) {
        this.blocks = blocks;
        this.job = job;
        this.model = model;
        this.tokenizer = tokenizer;
        this.limit = limit;
        this.name = name;
        this.listener = listener;
        // A turn's end is no part of what is said.
        this.encoding = new TextEncoding(tokenizer, job.chatTemplate(), Supervision.LAST.withoutEndOfTurn(),
                model.config().vocabularySize());
        int maxNewTokens = job.evaluation() == null ? 1 : job.evaluation().maxNewTokens();
        answers = new Answers(model, tokenizer, encoding, blocks, maxNewTokens, "generate answers with " + name, listener);
    }

    @Override
    public List<String> answers(List<Sample> samples) {
        return answers.of(samples, Sampling.GREEDY).stream().map(texts -> texts.get(0)).toList();
    }

    @Override
    public List<List<String>> answers(List<Sample> samples, Sampling sampling) {
        return answers.of(samples, sampling);
    }

    @Override
    public List<Likelihood> likelihoods(List<Continuation> continuations) {
        Collection<Continuation> open = new LinkedHashSet<>(continuations);
        open.removeAll(known.keySet());
        if (!open.isEmpty()) {
            List<Continuation> asked = List.copyOf(open);
            List<Likelihood> found = scores().of(asked.stream().map(this::example).toList());
            for (int i = 0; i < asked.size(); i++) {
                known.put(asked.get(i), found.get(i));
            }
        }
        return continuations.stream().map(known::get).toList();
    }

    private Example example(Continuation continuation) {
        Sample context = continuation.context();
        Example example;
        if (context == null) {
            int[] tokens = tokens(continuation.text());
            example = window("'" + continuation.text() + "'", RollingWindows.of(tokens, prefix(), tokens.length, 1).get(0));
        } else {
            example = encoding.encode(context.withResponse(continuation.text()));
        }
        if (example.supervisedTokens() == 0) {
            throw new FinetuneException((context == null ? "'" + continuation.text() + "'" : context.id() + ": the answer '"
                    + continuation.text() + "'") + " has no token that could be likely. Give it a text.");
        }
        if (example.ids().length > limit.tokens()) {
            throw new FinetuneException("evaluate: " + example.id() + " has " + example.ids().length + " tokens with the answer "
                    + "whose likelihood is asked for, which is longer than " + limit.description() + ". " + limit.raise()
                    + "shorten it, or leave it out.");
        }
        return example;
    }

    @Override
    public List<Likelihood> rollingLikelihoods(List<String> texts, int window, int contextLength) {
        if (texts.isEmpty()) {
            return List.of();
        }
        int seen = window == 0 ? limit.tokens() : window;
        if (seen > limit.tokens()) {
            throw new FinetuneException("evaluate: the window of perplexity has " + seen + " tokens, more than "
                    + limit.description() + ". Choose a smaller window.");
        }
        List<Example> windows = new ArrayList<>();
        List<Integer> counts = new ArrayList<>();
        for (String text : texts) {
            int[] tokens = tokens(text);
            List<RollingWindows.Window> laid = RollingWindows.of(tokens, prefix(), seen, Math.min(contextLength, seen));
            laid.forEach(one -> windows.add(window(text, one)));
            counts.add(laid.size());
        }
        List<Likelihood> found = scores().of(windows);
        List<Likelihood> sums = new ArrayList<>();
        int from = 0;
        for (int count : counts) {
            sums.add(sum(found.subList(from, from + count)));
            from += count;
        }
        return sums;
    }

    private static Likelihood sum(List<Likelihood> windows) {
        int tokens = windows.stream().mapToInt(Likelihood::tokens).sum();
        return new Likelihood(windows.stream().mapToDouble(Likelihood::sum).sum(), tokens,
                windows.stream().mapToDouble(one -> one.meanLogit() * one.tokens()).sum() / tokens);
    }

    private static Example window(String id, RollingWindows.Window window) {
        int[] inputs = window.inputs();
        int[] predicted = window.predicted();
        int[] ids = Arrays.copyOf(inputs, inputs.length + 1);
        ids[inputs.length] = predicted[predicted.length - 1];
        boolean[] marks = new boolean[ids.length];
        Arrays.fill(marks, ids.length - predicted.length, ids.length, true);
        return new Example(id, ids, marks);
    }

    /** What stands before a text that has nothing before it. */
    private int prefix() {
        OptionalInt begin = tokenizer.beginTokenId();
        return begin.isPresent() ? begin.getAsInt() : tokenizer.endTokenId().orElseThrow(() -> new FinetuneException(
                "evaluate: the tokenizer has neither a token that begins texts nor one that ends them, after which the "
                        + "likelihood of a text without a prompt could be asked for. Name one in tokenizer_config.json."));
    }

    private TextScores scores() {
        if (scores == null) {
            scores = new TextScores(model, blocks, job.train().tokensPerBatch(), "score texts with " + name, listener);
        }
        return scores;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public Examinee exitAt(int block) {
        if (block < 1 || block > blocks) {
            throw new FinetuneException("evaluate: there is no exit at block " + block + ", because the model has blocks 1 to "
                    + blocks + ". Name one of them.");
        }
        return block == blocks ? this : exits.computeIfAbsent(block, unseen -> new ModelExaminee(job, model, tokenizer, limit,
                name + " at block " + block, listener, block));
    }

    @Override
    public int[] tokens(String text) {
        return tokenizer.encode(text, false).ids();
    }

    @Override
    public int vocabularySize() {
        return tokenizer.vocabularySize();
    }

    @Override
    public List<float[]> embeddings(String folder, List<String> texts) {
        return encoders.computeIfAbsent(folder, unseen -> SentenceEncoder.load(Path.of(folder), Precision.F32,
                model.kernels())).encode(texts);
    }

    @Override
    public List<TokenVectors> tokenVectors(String folder, List<String> texts) {
        return tokenEncoders.computeIfAbsent(folder, unseen -> TokenEncoder.load(Path.of(folder), Precision.F32,
                model.kernels())).encode(texts);
    }

    @Override
    public void close() {
        exits.values().forEach(ModelExaminee::close);
        encoders.values().forEach(SentenceEncoder::close);
        tokenEncoders.values().forEach(TokenEncoder::close);
        if (scores != null) {
            scores.close();
        }
    }
}
