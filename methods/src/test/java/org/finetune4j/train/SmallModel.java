package org.finetune4j.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.BpeTrainer;
import org.finetune4j.tokenizer.BytePairVocabulary;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.TokenizerSettings;
import org.nd4j.linalg.api.buffer.DataType;

/** A model folder with random weights and a trained tokenizer, and a task for it: to say a word with its letters turned round. */
final class SmallModel {
    static final String CHAT_ML = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
            + "{{ message['content'] }}<|im_end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    static final int CONTEXT = 96;

    private SmallModel() {
    }

    /** Writes the folder with weights of this storage type. */
    static Path write(Path folder, DataType storage) {
        ModelConfig config = writeUntrained(folder, storage);
        try (Nd4jKernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(config, Precision.F32, kernels, 11)) {
            SafetensorsWriter.create().storedAs(storage).write(folder.resolve("model.safetensors"), model.baseTensors(),
                    Map.of("format", "pt"));
        }
        return folder;
    }

    /** Writes configuration and tokenizer alone. */
    static ModelConfig writeUntrained(Path folder, DataType storage) {
        try {
            Files.createDirectories(folder);
            BytePairVocabulary vocabulary = new BpeTrainer(280, List.of("<|im_start|>", "<|im_end|>"), true)
                    .train(Stream.of("Turn round: abc", "user", "assistant", "cba"));
            vocabulary.save(folder, new TokenizerSettings(null, "<|im_end|>", null, CHAT_ML, CONTEXT));
            ModelConfig config = ModelConfig.llama(288, 32, 48, 2, 4, 2, 8, 1e-5, 10000, CONTEXT, true, null, List.of(),
                    storage, 0.08);
            Files.writeString(folder.resolve(ModelConfig.FILE_NAME), config.toJson());
            return config;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String word(long seed, int index) {
        long random = CounterRandom.seed(seed, "word", index);
        return IntStream.range(0, 2).mapToObj(i -> String.valueOf((char) ('a'
                + Long.remainderUnsigned(CounterRandom.bits(random, i), 4)))).reduce("", String::concat);
    }

    private static String turned(String word) {
        return new StringBuilder(word).reverse().toString();
    }

    /** Samples with one response each. */
    static DataSource samples(String name, int count, long seed) {
        return DataSource.of(name, IntStream.range(0, count).mapToObj(i -> {
            String word = word(seed, i);
            return new Sample(name + ":" + (i + 1), List.of(new Message("user", "Turn round: " + word),
                    new Message("assistant", turned(word))), List.of(), turned(word), Map.of());
        }).toList());
    }

    /** Samples with three candidate responses each. */
    static DataSource candidates(String name, int count, long seed) {
        return DataSource.of(name, IntStream.range(0, count).mapToObj(i -> {
            String word = word(seed, i);
            List<Candidate> candidates = new ArrayList<>(List.of(new Candidate(turned(word), "plain"),
                    new Candidate(turned(word) + "!", "loud"), new Candidate("It is " + turned(word), "long")));
            return new Sample(name + ":" + (i + 1), List.of(new Message("user", i + " Turn round: " + word)), candidates,
                    turned(word), Map.of());
        }).toList());
    }

    /** Plain documents. */
    static DataSource documents(String name, int count) {
        return DataSource.of(name, IntStream.range(0, count).mapToObj(i -> Sample.document(name + ":" + (i + 1),
                "Turn round: " + word(5, i))).toList());
    }
}
