package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReader;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.EncodedCache;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Example;
import org.finetune4j.data.FittingResponses;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.LengthStatistics;
import org.finetune4j.data.Packer;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.ReadData;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.MaskToken;
import org.finetune4j.methods.decode.Decoder;
import org.finetune4j.methods.evaluate.Metric;
import org.finetune4j.methods.objective.Composition;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.PassForecast;
import org.finetune4j.methods.objective.PassOutline;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.select.BatchComposition;
import org.finetune4j.methods.select.BatchMethod;
import org.finetune4j.methods.select.EpochSelector;
import org.finetune4j.methods.select.SelectionRules;
import org.finetune4j.methods.select.Selector;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.EngineForecast;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.ModelShapes;
import org.finetune4j.model.ParameterSpec;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Finds what a job would do and everything that refuses it, without loading a weight. */
final class Planner {
    /** Answers that are shown as examples. */
    private static final int SHOWN_ANSWERS = 2;

    private final FineTuning job;
    private final List<String> problems = new ArrayList<>();

    private @Nullable ModelConfig config;
    private @Nullable ModelConfig teacher;
    private long total;
    private long trainable;
    private LengthLimit limit = new LengthLimit(0, false);
    private int longResponses;
    private int lostSamples;
    private final DataReport report = new DataReport();
    private List<Sample> samples = List.of();
    private int rows;
    private List<String> notes = List.of();
    private List<TextWork> work = List.of();
    private List<TextWork> epochWork = List.of();
    private long stepsOfPass = 1;
    private Set<Long> prompts = Set.of();
    private List<Sample> heldOut = List.of();
    private final List<Preparation.Measured> measured = new ArrayList<>();
    private @Nullable EncodedSamples encoded;
    private @Nullable EncodedSamples heldOutEncoded;
    private int answeredPrompts;
    private int longestPrompt;
    private long steps;
    private MemoryEstimate memory = MemoryEstimate.UNKNOWN;
    private double seconds;

    Planner(FineTuning job) {
        this.job = job;
    }

    Preparation prepare() {
        problems.addAll(job.train().problems());
        if (job.train().frozenWeights() == FrozenWeights.INT8 && job.adapter() == null) {
            problems.add("train.frozenWeights is int8, but every weight of this run trains, and bytes cannot. "
                    + "Add an adapter such as adapt(lora()), or leave frozenWeights out.");
        }
        attempt("base", this::model);
        attempt("objective", this::teacher);
        job.objective().scorers().forEach(folder -> attempt("objective",
                () -> LanguageModel.requireWeights(folder, ModelConfig.read(folder))));
        int place = problems.size();
        Evaluation evaluation = job.evaluation();
        if (evaluation != null) {
            int before = problems.size();
            attempt("heldOut", () -> heldOut = evaluation.heldOut().samples());
            evaluationProblems(evaluation, problems.size() == before);
        }
        List<String> later = new ArrayList<>(problems.subList(place, problems.size()));
        problems.subList(place, problems.size()).clear();
        attempt("data", () -> readData(later.isEmpty()));
        problems.addAll(later);
        if (problems.isEmpty() && encoded == null) {
            attempt("data", this::encode);
        }
        compositionProblems();
        if (problems.isEmpty()) {
            attempt("kernels", this::estimate);
        }
        boolean selects = !job.allSelectors().isEmpty();
        EncodedSamples known = encoded;
        Plan plan = new Plan(stages(), models(), total, trainable, rows, known == null ? 0 : known.tokens(),
                known == null ? 0 : known.supervisedTokens(), known == null ? 0 : known.dropped() + lostSamples, steps,
                memory, seconds, new DataSummary(notes, known == null ? LengthStatistics.NONE : known.lengths(),
                        known == null ? 0 : known.cut()), problems);
        return new Preparation(plan, samples, prompts, longResponses, selects ? null : encoded, heldOut, heldOutEncoded,
                measured, limit);
    }

    private void compositionProblems() {
        ModelConfig known = config;
        if (known != null) {
            List<String> selectors = Stream.concat(job.allSelectors().stream(), job.batchMethods().stream())
                    .map(selector -> selector.method().name()).toList();
            job.objective().problems(new Composition(job.adapter(), job.train(), selectors, known.layers())).forEach(
                    problem -> problems.add("objective: " + problem));
        }
        notes = Stream.concat(notes.stream(), job.objective().notes().stream().map(note -> "objective: " + note)).toList();
        if (!job.epochSelectors().isEmpty()) {
            completionProblems();
        }
        EncodedSamples data = encoded;
        if (known != null && data != null && job.train().problems().isEmpty()) {
            BatchComposition.of(job.objective(), job.train(), data.examples(), known.vocabularySize())
                    .problems(job.batchMethods()).forEach(problem -> problems.add("select: " + problem));
        }
    }

    /** Samples that are chosen anew in a pass cannot have been completed before the training. */
    private void completionProblems() {
        Stream<Fragment> completing = Stream.concat(Stream.of(job.objective()).filter(Objective::preparesExamples),
                job.batchMethods().stream().filter(BatchMethod::preparesExamples));
        completing.forEach(fragment -> problems.add("select: eachEpoch(" + job.epochSelectors().get(0).method().name()
                + "()) chooses anew in every pass, but " + fragment.method().name() + " completes samples once before the "
                + "training. Choose before the training, without eachEpoch, or leave one of the two out."));
    }

    private void attempt(String place, Runnable part) {
        try {
            part.run();
        } catch (FinetuneException e) {
            problems.add(place + ": " + e.getMessage());
        }
    }

    private void model() {
        ModelConfig found = ModelConfig.read(job.base().folder());
        config = found;
        limit = LengthLimit.of(job.train().maxLength(), found.maxPositions());
        long base = ModelShapes.parameterCount(found);
        total = base;
        trainable = base;
        Map<String, long[]> layers = ModelShapes.linearLayers(found);
        if (job.adapter() != null) {
            attempt("adapt", () -> {
                job.adapter().requireFits(layers);
                trainable = adapterParameters(job.adapter().linearAdapter(), layers);
                total = base + trainable;
            });
        }
        try (Tokenizer tokenizer = Tokenizer.load(job.base().folder())) {
            tokenizer.tokensWithin(found.vocabularySize());
        }
        if (job.base() instanceof BaseModel.Pretrained) {
            // Found before anything is computed, for only headers are read.
            LanguageModel.requireWeights(job.base().folder(), found);
        }
    }

    /** Reads what the teacher is, and refuses one whose logits would be of other tokens or of a shorter text. */
    private void teacher() {
        Path folder = job.objective().teacherFolder();
        ModelConfig own = config;
        if (folder == null || own == null) {
            return;
        }
        ModelConfig found = ModelConfig.read(folder);
        LanguageModel.requireWeights(folder, found);
        String mend = " Choose a teacher with the vocabulary of the base, such as a larger model of its family.";
        if (found.vocabularySize() != own.vocabularySize()) {
            throw new FinetuneException("the teacher " + folder + " has " + found.vocabularySize() + " tokens, and "
                    + job.base().folder() + " has " + own.vocabularySize() + "." + mend);
        }
        try (Tokenizer ownTokens = Tokenizer.load(job.base().folder()); Tokenizer others = Tokenizer.load(folder)) {
            String token = ownTokens.differingToken(others);
            if (token != null) {
                throw new FinetuneException("the teacher " + folder + " and " + job.base().folder() + " have as many tokens, but "
                        + "not the same: '" + token + "' has another number or is unknown in one of them." + mend);
            }
        }
        if (found.maxPositions() < limit.tokens()) {
            throw new FinetuneException("the teacher " + folder + " reads at most " + found.maxPositions()
                    + " tokens, and samples may have " + limit.tokens() + ". Set train.maxLength = " + found.maxPositions()
                    + ", or choose another teacher.");
        }
        teacher = found;
    }

    private static long adapterParameters(LinearAdapter adapter, Map<String, long[]> layers) {
        long count = 0;
        for (Map.Entry<String, long[]> layer : layers.entrySet()) {
            for (ParameterSpec spec : adapter.parameters(layer.getKey(), layer.getValue()[1], layer.getValue()[0])) {
                long elements = 1;
                for (long extent : spec.shape()) {
                    elements *= extent;
                }
                count += elements;
            }
        }
        return count;
    }

    private void evaluationProblems(Evaluation evaluation, boolean readable) {
        if (evaluation.maxNewTokens() < 1) {
            problems.add("evaluate.maxNewTokens is " + evaluation.maxNewTokens() + ", but must be at least 1.");
        }
        for (Metric metric : readable ? evaluation.metrics() : List.<Metric>of()) {
            attempt("evaluate", () -> {
                List<Sample> asked = metric.samples(heldOut);
                metric.requireMeasurable(asked);
                measured.add(new Preparation.Measured(metric, asked));
            });
        }
        Decoder decoder = evaluation.decoder();
        if (decoder != null) {
            attempt("decode", decoder::requireUsable);
            if (evaluation.metrics().stream().noneMatch(Metric::asksForProbabilities)) {
                problems.add("decode: " + decoder.method().name() + " makes probabilities of choices, for which no metric asks. "
                        + "Measure calibration(), brier() or multipleChoice() without normalisation, or leave it out.");
            }
        }
    }

    /** Reads the data once: encoded at the same time where nothing stands against it and nothing is chosen from. */
    private void readData(boolean nothingAgainst) {
        DataReader reader = new DataReader(job.data(), job.objective().rows(), job.objective().method().name());
        if (!job.allSelectors().isEmpty() || job.preparesExamples()) {
            samples = reader.samples(report);
            rows = samples.size();
            notes = report.lines();
            prompts = Overlap.marks(samples);
            selectionProblems();
        } else if (nothingAgainst && problems.isEmpty()) {
            encode();
        } else {
            rows = reader.check(report);
            notes = report.lines();
        }
    }

    private void selectionProblems() {
        SelectionRules.problems(job.allSelectors(), samples, job.data().description())
                .forEach(problem -> problems.add("select: " + problem));
        // No objective learns from rollouts yet; where one comes, it is let through here.
        job.allSelectors().stream().filter(selector -> selector.traits().contains(Selector.Trait.FILTERS_FOR_ROLLOUTS))
                .forEach(selector -> problems.add("select: " + selector.method().name() + " chooses prompts for reinforcement "
                        + "learning from the policy's own answers, which is not there yet; "
                        + job.objective().method().name() + " learns from responses. Leave the selector out."));
        if (problems.isEmpty()) {
            work = Stream.concat(SelectionRules.work(job.selectors(), samples).stream(), job.objective().work(
                    SelectionRules.likely(job.allSelectors(), samples), Math.max(1, job.train().epochs())).stream()).toList();
            epochWork = SelectionRules.work(job.epochSelectors(), SelectionRules.likely(job.selectors(), samples));
            Stream.concat(work.stream(), epochWork.stream()).map(TextWork::source).distinct().forEach(source -> source.problem()
                    .ifPresent(problem -> problems.add("select: " + problem)));
            notes = Stream.concat(notes.stream(), SelectionRules.notes(job.allSelectors(), samples).stream()).toList();
        }
    }

    private void encode() {
        try (Tokenizer tokenizer = Tokenizer.load(job.base().folder())) {
            TextEncoding encoding = new TextEncoding(tokenizer, job.chatTemplate(), job.supervision(),
                    java.util.Objects.requireNonNull(config).vocabularySize());
            Encoder encoder = new Encoder(encoding, limit, job.train().tooLong());
            EncodedSamples data = job.allSelectors().isEmpty() && !job.preparesExamples()
                    ? encodeRows(encoding, encoder) : encodeLikely(encoding, encoder);
            encoded = data;
            Packer packer = new Packer(withCompanions(data.examples()), job.train().tokensPerBatch(), job.train().accumulate(),
                    job.train().seed());
            stepsOfPass = packer.steps(1);
            steps = job.train().maxSteps() > 0 ? job.train().maxSteps() : packer.steps(job.train().epochs());
            attempt("heldOut", () -> heldOutEncoded = encodeHeldOut(encoder, encoding));
            String mask = job.objective().maskOfReference();
            if (mask != null) {
                attempt("objective", () -> MaskToken.of(job.objective().method().name(), mask, tokenizer, encoding.stopIds()));
            }
        }
    }

    /** Samples with as many sequences as the objective will give them, which are taken to be as long. */
    private List<Example> withCompanions(List<Example> examples) {
        int others = job.objective().sequencesPerSample() - 1;
        return others == 0 ? examples : examples.stream().map(example -> example.withCompanions(
                Collections.nCopies(others, example))).toList();
    }

    private EncodedSamples encodeRows(TextEncoding encoding, Encoder encoder) {
        Path folder = job.dataCache();
        EncodedCache cache = folder == null ? null : new EncodedCache(folder);
        String key = cache == null ? null : key(encoding);
        ReadData read = cache == null || key == null ? null : cache.read(key);
        if (read == null) {
            read = new DataReader(job.data(), job.objective().rows(), job.objective().method().name()).encode(encoder,
                    report);
            if (cache != null && key != null) {
                keep(cache, key, encoding, read);
            }
        }
        rows = read.rows();
        notes = Stream.concat(read.notes().stream(), notes.stream()).toList();
        prompts = Arrays.stream(read.prompts()).boxed().collect(Collectors.toSet());
        return read.encoded();
    }

    private @Nullable String key(TextEncoding encoding) {
        return EncodedCache.key(job.data(), encoding.fingerprint(), limit.tokens(), job.train().tooLong());
    }

    /**
     * Data that cannot be kept are encoded again another time, which is no reason not to train now. What the key was
     * made of was read before the data, and they may have changed in between.
     */
    private void keep(EncodedCache cache, String key, TextEncoding encoding, ReadData read) {
        try {
            if (key.equals(key(encoding))) {
                cache.write(key, read);
            } else {
                notes = List.of("the encoded data are not kept for other runs: they changed while they were read");
            }
        } catch (FinetuneException e) {
            notes = List.of("the encoded data are not kept for other runs: " + e.getMessage());
        }
    }

    /** A selector keeps a response for each prompt, of which nobody knows yet which one. */
    private EncodedSamples encodeLikely(TextEncoding encoding, Encoder encoder) {
        if (job.train().tooLong() == TooLong.DROP) {
            dropLongResponses(encoding);
        }
        return encoder.encode(SelectionRules.likely(job.allSelectors(), samples));
    }

    /** Before anything is ranked, for a response that wins and is dropped then takes its prompt with it. */
    private void dropLongResponses(TextEncoding encoding) {
        FittingResponses fitting = FittingResponses.of(samples, encoding, limit.tokens());
        if (fitting.samples().isEmpty()) {
            throw new FinetuneException("no sample is left of " + samples.size() + ": each of their "
                    + fitting.longResponses() + " responses makes it longer than " + limit.tokens()
                    + " tokens. Shorten the data, or choose tooLong = KEEP_START (cut their ends).");
        }
        longResponses = fitting.longResponses();
        lostSamples = fitting.lostSamples();
        samples = fitting.samples();
    }

    private @Nullable EncodedSamples encodeHeldOut(Encoder encoder, TextEncoding encoding) {
        int context = java.util.Objects.requireNonNull(config).maxPositions();
        answeredPrompts = measured.stream().mapToInt(one -> one.samples().size() * one.metric().answersPerPrompt()).max()
                .orElse(0);
        answeredPrompts = Math.max(answeredPrompts, shown(heldOut).size());
        for (Sample sample : answered()) {
            int length = encoding.prompt(sample.id(), sample.promptConversation()).length;
            longestPrompt = Math.max(longestPrompt, length);
            if (length >= context) {
                throw new FinetuneException("the prompt of " + sample.id() + " has " + length
                        + " tokens, which leaves no room for an answer in the model's context of " + context
                        + ". Shorten it or leave it out.");
            }
        }
        List<Sample> answered = heldOut.stream().filter(sample -> sample.isDocument() || sample.response() != null)
                .toList();
        return answered.isEmpty() ? null : encoder.encode(answered);
    }

    /** The samples that are answered, for metrics or to be shown. */
    private Set<Sample> answered() {
        Set<Sample> answered = new LinkedHashSet<>(shown(heldOut));
        measured.stream().filter(one -> one.metric().answersPerPrompt() > 0).forEach(one -> answered.addAll(one.samples()));
        return answered;
    }

    /** The held-out samples whose answers are shown. */
    static List<Sample> shown(List<Sample> heldOut) {
        return heldOut.stream().filter(sample -> !sample.isDocument()).limit(SHOWN_ANSWERS).toList();
    }

    private void estimate() {
        ModelConfig known = java.util.Objects.requireNonNull(config);
        EncodedSamples data = java.util.Objects.requireNonNull(encoded);
        TrainSettings train = job.train();
        double meanTokens = (double) data.tokens() / data.examples().size();
        double passes = train.maxSteps() == 0 ? train.epochs()
                : train.maxSteps() * (double) train.accumulate()
                        * Math.min(data.tokens(), Math.max(meanTokens, train.tokensPerBatch())) / data.tokens();
        try (Kernels kernels = KernelChoice.named(job.kernels())) {
            KernelChoice.require(kernels, train.precision());
            MemoryPlanner.Batch batch = largestBatch(data, meanTokens);
            MemoryPlanner planner = new MemoryPlanner(known, train,
                    job.adapter() == null ? null : job.adapter().linearAdapter(), tokenLoss(), teacher,
                    outline -> beside(outline, data, kernels), kernels, batch,
                    ProcessMemory.availableBytes());
            MemoryPlanner.Choice choice = planner.choose();
            memory = withAnswers(choice.memory(), kernels, longest(data)).withOthers(Math.max(scorerBytes(kernels, batch),
                    otherBytes(work, kernels, longest(data))));
            if (!memory.fits() && memory.generationRules()) {
                problems.add(tooLargeAnswers(memory));
                return;
            }
            if (!memory.fits()) {
                problems.add(tooLarge(memory, planner.smallest().memory()));
                return;
            }
            Estimate rates = Estimate.measured(known, train.precision(), kernels);
            PassForecast beside = choice.beside().get(0);
            double batches = passes * job.objective().sequencesPerSample() * data.tokens() / batch.tokens();
            seconds = batches * (rates.passSeconds(choice.forecast()) + rates.seconds(beside.products(), beside.movedBytes()))
                    + steps * rates.optimizerSeconds(trainable, train.precision());
            if (!job.epochSelectors().isEmpty()) {
                PassForecast scoring = choice.beside().get(1);
                double scored = passes() * scoredResponses() * meanTokens / batch.tokens();
                seconds += scored * rates.seconds(scoring.products(), scoring.movedBytes());
            }
        }
    }

    /** The largest of the models that score responses before the training, which are loaded one at a time. */
    private long scorerBytes(Kernels kernels, MemoryPlanner.Batch batch) {
        long most = 0;
        for (Path folder : job.objective().scorers()) {
            try (LanguageModel outline = LanguageModel.outline(ModelConfig.read(folder), job.train().precision(),
                    FrozenWeights.AS_ACTIVATIONS, kernels);
                    TrainingEngine engine = TrainingEngine.forwardOnly(outline, new Sft(), EngineOptions.DEFAULT)) {
                EngineForecast forecast = engine.forecast(batch.tokens(), batch.supervised(), batch.sequences());
                most = Math.max(most, outline.parameters().bytes() + forecast.arenaBytes() + forecast.headBytes());
            }
        }
        return most;
    }

    /** Other local models that are asked for texts, which stay open together, each with what its largest work needs. */
    private long otherBytes(List<TextWork> parts, Kernels kernels, int longestSample) {
        Map<LocalModel, Long> bytes = new LinkedHashMap<>();
        for (TextWork part : parts) {
            if (part.source() instanceof LocalModel local && part.requests() > 0) {
                ModelConfig known = ModelConfig.read(Path.of(local.folder()));
                DecodingEngine.Forecast forecast = GenerationMemory.forecast(known, job.train().precision(),
                        FrozenWeights.AS_ACTIVATIONS, null, kernels, (int) Math.min(part.requests(), Integer.MAX_VALUE),
                        Math.min(longestSample, known.maxPositions()), part.newTokens());
                bytes.merge(local, ModelShapes.parameterCount(known) * job.train().precision().type().width()
                        + forecast.cacheBytes() + forecast.copyBytes() + forecast.arenaBytes(), Math::max);
            }
        }
        return bytes.values().stream().mapToLong(Long::longValue).sum();
    }

    private static int longest(EncodedSamples data) {
        return data.examples().stream().mapToInt(example -> example.ids().length).max().orElse(1);
    }

    /** Responses that are scored at the start of each pass, at most. */
    private long scoredResponses() {
        List<Sample> seen = SelectionRules.likely(job.selectors(), samples);
        long scored = 0;
        for (EpochSelector selector : job.epochSelectors()) {
            scored += selector.scoredResponses(seen);
            seen = selector.likely(seen);
        }
        return scored;
    }

    /** Passes beside those of the training: in every micro-batch, then those at the start of a pass and over held-out samples. */
    private List<PassForecast> beside(PassOutline outline, EncodedSamples data, Kernels kernels) {
        PassForecast every = job.objective().passes(outline);
        for (BatchMethod method : job.batchMethods()) {
            every = every.plus(method.passes(outline, job.epochSelectors().isEmpty() ? longest(data) : limit.tokens()));
        }
        List<PassForecast> all = new ArrayList<>(List.of(every));
        if (!job.epochSelectors().isEmpty()) {
            all.add(outline.forwardOnly(new Sft()));
            answers(epochWork, 0, longest(data), 0, kernels).ifPresent(forecast -> all.add(new PassForecast(
                    forecast.cacheBytes() + forecast.copyBytes() + forecast.arenaBytes(), 0, 0)));
            all.add(new PassForecast(otherBytes(epochWork, kernels, longest(data)), 0, 0));
        }
        if (job.objective().preparesExamples() && heldOutEncoded != null) {
            all.add(outline.forwardOnly(new Sft()));
        }
        return all;
    }

    /** No batch of the run is larger; a selector may choose other candidates than those that were encoded. */
    private MemoryPlanner.Batch largestBatch(EncodedSamples data, double meanTokens) {
        long longest = data.examples().stream().mapToLong(example -> example.inputTokens()).max().orElse(1);
        double share = data.examples().stream()
                .mapToDouble(example -> (double) example.supervisedTokens() / example.inputTokens()).max().orElse(1);
        // What a selector chooses, and what an objective adds to samples, is not known yet.
        boolean selects = !job.allSelectors().isEmpty() || job.preparesExamples();
        long tokens = selects ? Math.max(job.train().tokensPerBatch(),
                (long) limit.tokens() * job.objective().sequencesPerSample())
                : Math.max(longest, Math.min(job.train().tokensPerBatch(), data.tokens()));
        long supervised = selects ? tokens : Math.max(1, Math.min(tokens, (long) Math.ceil(tokens * share)));
        return new MemoryPlanner.Batch((int) tokens, (int) supervised,
                (int) Math.max(1, Math.min(tokens, Math.round(tokens / meanTokens))));
    }

    private static String tooLarge(MemoryEstimate wanted, MemoryEstimate smallest) {
        String mend = smallest.fits() ? "Choose memory = auto, or fewer tokensPerBatch."
                : "Choose fewer tokensPerBatch" + (smallest.optimizerBytes() > smallest.parameterBytes()
                        ? ", an adapter such as lora()" : "") + " or precision bf16, or a smaller model.";
        return "train.memory: training needs " + mebibytes(wanted.totalBytes()) + " (parameters "
                + mebibytes(wanted.parameterBytes()) + ", gradients and moments " + mebibytes(wanted.optimizerBytes())
                + ", activations " + mebibytes(wanted.activationBytes()) + " with " + wanted.recomputedBlocks() + " of "
                + wanted.blocks() + " blocks recomputed, head " + mebibytes(wanted.headBytes()) + ", reference "
                + mebibytes(wanted.referenceBytes()) + (wanted.passBytes() == 0 ? "" : ", further passes "
                        + mebibytes(wanted.passBytes())) + ", program " + mebibytes(wanted.programBytes()) + "), but only "
                + mebibytes(wanted.availableBytes()) + " are available. " + mend;
    }

    /** With the memory of the answers that are generated before, between and after the training's stages, if any are. */
    private MemoryEstimate withAnswers(MemoryEstimate training, Kernels kernels, int longestSample) {
        Evaluation evaluation = job.evaluation();
        return answers(work, evaluation == null ? 0 : answeredPrompts, longestSample,
                evaluation == null ? 0 : evaluation.maxNewTokens(), kernels).map(training::withGeneration).orElse(training);
    }

    /** What the policy needs for the largest part of this work and so many evaluated prompts, or nothing. */
    private Optional<DecodingEngine.Forecast> answers(List<TextWork> parts, long evaluated, int longestSample,
                                                      int evaluatedTokens, Kernels kernels) {
        ModelConfig known = java.util.Objects.requireNonNull(config);
        long texts = evaluated;
        int newTokens = evaluatedTokens;
        int prompt = evaluated == 0 ? 1 : longestPrompt;
        for (TextWork part : parts) {
            if (part.source() instanceof Policy) {
                texts = Math.max(texts, part.requests());
                newTokens = Math.max(newTokens, part.newTokens());
                prompt = Math.max(prompt, Math.min(longestSample, known.maxPositions()));
            }
        }
        return texts == 0 ? Optional.empty() : Optional.of(GenerationMemory.forecast(known, job.train().precision(),
                job.train().frozenWeights(), job.adapter() == null ? null : job.adapter().linearAdapter(), kernels,
                (int) Math.min(texts, Integer.MAX_VALUE), prompt, newTokens));
    }

    private static String tooLargeAnswers(MemoryEstimate wanted) {
        return "evaluate: " + (wanted.otherBytes() > 0 ? "asking models before the training" : "generating answers")
                + " needs " + mebibytes(wanted.totalBytes()) + " (parameters "
                + mebibytes(wanted.parameterBytes()) + ", keys and values " + mebibytes(wanted.cacheBytes())
                + ", intermediate arrays and faster copies of weights " + mebibytes(wanted.generationBytes())
                + (wanted.otherBytes() == 0 ? "" : ", other models " + mebibytes(wanted.otherBytes())) + ", program "
                + mebibytes(wanted.programBytes()) + "), but only " + mebibytes(wanted.availableBytes())
                + " are available. Choose a smaller maxNewTokens, shorter prompts or precision bf16, or a smaller model.";
    }

    private static String mebibytes(long bytes) {
        return (bytes >> 20) + " MiB";
    }

    private TokenLoss tokenLoss() {
        return job.objective().tokenLoss();
    }

    private List<String> models() {
        List<String> models = new ArrayList<>();
        models.add("policy: " + (job.base() instanceof BaseModel.Fresh ? "random weights" : job.base().folder())
                + (job.adapter() == null ? "" : " with " + job.adapter().method().name()));
        if (tokenLoss().needsReference()) {
            TokenLoss.Lag lag = tokenLoss().lag();
            Path folder = job.objective().teacherFolder();
            models.add("reference: " + (folder != null ? "the model " + folder + ", which stays as it is"
                    : lag != null ? "a copy of what trains, which follows it every " + lag.every() + " steps"
                    : job.adapter() == null ? "a frozen copy of the weights as they are at the start"
                    : "the policy with its adapter off"));
        }
        job.objective().scorers().forEach(folder -> models.add("the model " + folder
                + ": scores every response once, before the training"));
        work.forEach(part -> models.add(part.description()));
        epochWork.forEach(part -> models.add(part.source() instanceof Policy
                ? part.times(passes()).description("the policy as it is at the start of each pass")
                : part.times(passes()).description()));
        return models;
    }

    /** Passes over the data, of which the last may be cut short. */
    private long passes() {
        return Math.max(1, (steps + stepsOfPass - 1) / stepsOfPass);
    }

    private List<String> stages() {
        List<String> stages = new ArrayList<>();
        stages.add(job.base() instanceof BaseModel.Fresh ? "make a model with random weights"
                : "load the model " + job.base().folder());
        job.selectors().forEach(selector -> stages.add("select with " + selector.method().name() + " from "
                + (selector == job.selectors().get(0) ? job.data().description() : "what is left")));
        Evaluation evaluation = job.evaluation();
        String measured = evaluation == null ? "" : "measure " + (evaluation.metrics().isEmpty() ? ""
                : String.join(", ",
                evaluation.metrics().stream().map(metric -> metric.method().name()).toList()) + " and ")
                + "the held-out loss on " + evaluation.heldOut().description();
        if (evaluation != null) {
            stages.add(measured + ", before");
        }
        job.epochSelectors().forEach(selector -> stages.add("at the start of every pass, select with "
                + selector.method().name() + " from "
                + (selector == job.allSelectors().get(0) ? job.data().description() : "what is left")));
        stages.add("train " + (job.adapter() == null ? "every weight" : job.adapter().method().name()) + " with "
                + job.objective().method().name() + " on " + job.data().description()
                + (job.batchMethods().isEmpty() ? "" : ", in every step by way of " + String.join(" and ",
                        job.batchMethods().stream().map(method -> method.method().name()).toList()))
                + (steps == 0 ? "" : ", " + steps + " steps"));
        if (evaluation != null) {
            stages.add(measured + ", after");
        }
        return stages;
    }
}
