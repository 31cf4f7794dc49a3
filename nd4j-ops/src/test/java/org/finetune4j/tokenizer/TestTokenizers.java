package org.finetune4j.tokenizer;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A small trained tokenizer for tests. */
final class TestTokenizers {
    static final String CHAT = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>"
        + "\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    static final int SIZE = 310;
    static final List<String> SPECIAL = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");

    private TestTokenizers() {}

    static Stream<String> corpus() {
        return Stream.of(
            "The answer is twelve, because three times four is 12. The answer to that is the same answer.",
            "user asks: what is 3 + 4? assistant answers: 3 + 4 is 7. The user says thanks, the assistant says bye.",
            "def add(a, b):\n    return a + b\n\n\nprint(add(3, 4))  # 7\n",
            "Ein kleiner Bär süßt Tee für 20 Köche. Ça va? ¿Qué tal? 名前は何ですか 名前 😀😀 👨‍👩‍👧",
            "{\"name\": \"Ann\", \"age\": 42, \"tags\": [\"a\", \"b\"]} the the the then there their");
    }

    static BytePairVocabulary vocabulary(boolean splitDigits) {
        return new BpeTrainer(SIZE, SPECIAL, splitDigits).train(corpus());
    }

    /** Its padding token is its end token, as in many published models. */
    static Tokenizer load(Path folder, String template) {
        vocabulary(true).save(folder, new TokenizerSettings("<|endoftext|>", "<|im_end|>", "<|im_end|>", template, 512));
        return Tokenizer.load(folder);
    }
}
