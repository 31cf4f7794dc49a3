package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.methods.decode.Demonstrations;
import org.finetune4j.tokenizer.BpeTrainer;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Supervision;
import org.finetune4j.tokenizer.Tokenizer;
import org.finetune4j.tokenizer.TokenizerSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Card {@code self-ensemble}, test 8. */
class InContextTest {
    private static final DataSource DATA = DataSource.of("data", IntStream.range(0, 6).mapToObj(i -> new Sample("data:" + i,
            List.of(Message.system("Be short."), Message.user("item " + i), Message.assistant("label" + i % 2)), List.of(),
            "label" + i % 2, Map.of())).toList());

    private static List<Sample> made(InContext method) {
        return method.of(DATA, DATA).samples();
    }

    @Test
    void aSampleStandsBehindOthersAndNeverBehindItself() {
        List<Sample> samples = made(new InContext(3, Demonstrations.Retrieve.RANDOM, 1, 42));
        assertEquals(DATA.samples().stream().map(Sample::id).toList(), samples.stream().map(Sample::id).toList());
        for (Sample sample : samples) {
            List<String> texts = sample.messages().stream().map(Message::text).toList();
            assertEquals(1 + 3 * 2 + 2, texts.size());
            assertEquals("Be short.", texts.get(0), "the system's turn stays the first, and the only one");
            String own = "item " + sample.id().substring(5);
            assertEquals(own, texts.get(7));
            assertEquals(sample.answer(), sample.response());
            assertEquals(1, texts.stream().filter(own::equals).count());
            assertEquals(4, texts.stream().filter(text -> text.startsWith("item")).distinct().count());
            assertEquals(List.of(sample.id()), sample.provenance().origins());
        }
    }

    @Test
    void everyCopyHasOtherDemonstrationsAndASeedDecidesThem() {
        List<Sample> samples = made(new InContext(2, Demonstrations.Retrieve.RANDOM, 4, 42));
        assertEquals(24, samples.size());
        assertEquals("data:0#1", samples.get(0).id());
        assertTrue(samples.subList(0, 4).stream().map(Sample::messages).distinct().count() > 1);
        assertEquals(samples, made(new InContext(2, Demonstrations.Retrieve.RANDOM, 4, 42)));
        assertNotEquals(samples, made(new InContext(2, Demonstrations.Retrieve.RANDOM, 4, 43)));
    }

    @Test
    void onlyTheAnswerToTheQuestionIsLearned(@TempDir java.nio.file.Path folder) {
        new BpeTrainer(280, List.of("<|im_start|>", "<|im_end|>"), true).train(DATA.samples().stream()
                .map(sample -> sample.messages().toString())).save(folder, new TokenizerSettings(null, "<|im_end|>", null,
                "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
                        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}", 512));
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            TextEncoding encoding = new TextEncoding(tokenizer, null, Supervision.LAST, tokenizer.vocabularySize());
            Sample sample = made(new InContext(3, Demonstrations.Retrieve.BALANCE, 1, 42)).get(1);
            Example example = encoding.encode(sample);
            int[] learned = IntStream.range(0, example.ids().length).filter(i -> example.supervised()[i])
                    .map(i -> example.ids()[i]).toArray();
            assertEquals("label1<|im_end|>", tokenizer.decode(learned, false));
        }
    }

    private static String refusal(Runnable asked) {
        return assertThrows(FinetuneException.class, asked::run).getMessage();
    }

    @Test
    void smallPoolsAndSamplesWithoutResponseAreRefused() {
        assertTrue(refusal(() -> made(new InContext(6, Demonstrations.Retrieve.RANDOM, 1, 42)))
                .contains("the pool has 5 samples besides data:0, but 6 demonstrations"));
        DataSource plain = DataSource.of("plain", List.of(Sample.document("d:1", "text")));
        assertTrue(refusal(() -> new InContext(1, Demonstrations.Retrieve.RANDOM, 1, 42).of(plain, DATA).samples())
                .contains("d:1 has no prompt to put demonstrations before"));
        assertTrue(refusal(() -> new InContext(1, Demonstrations.Retrieve.RANDOM, 1, 42).of(DATA, plain).samples())
                .contains("d:1 of the pool has no prompt"));
        assertTrue(refusal(() -> new InContext(0, Demonstrations.Retrieve.RANDOM, 1, 42)).contains("at least 1"));
    }
}
