package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.tokenizer.BpeTrainer;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Supervision;
import org.finetune4j.tokenizer.Tokenizer;
import org.finetune4j.tokenizer.TokenizerSettings;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextEncodingTest {
    private static final String TEMPLATE = "{% for m in messages %}<s>{{ m['role'] }}:{{ m['content'] }}</s>{% endfor %}"
            + "{% if add_generation_prompt %}<s>assistant:{% endif %}";

    @TempDir
    static Path folder;

    private static Tokenizer tokenizer;

    @BeforeAll
    static void makeTokenizer() {
        new BpeTrainer(260, List.of("<s>", "</s>"), true).train(Stream.of("abc")).save(folder,
                new TokenizerSettings(null, "</s>", null, null, 100));
        tokenizer = Tokenizer.load(folder);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    private static Sample sample(Message... messages) {
        return new Sample("x:1", List.of(messages), List.of(), null, Map.of());
    }

    private static String learned(Example example) {
        int[] ids = new int[example.ids().length];
        int count = 0;
        for (int i = 0; i < ids.length; i++) {
            if (example.supervised()[i]) {
                ids[count++] = example.ids()[i];
            }
        }
        return tokenizer.decode(Arrays.copyOf(ids, count), false);
    }

    @Test
    void theAssistantsTurnsWithTheirEndsAreLearned() {
        TextEncoding encoding = new TextEncoding(tokenizer, TEMPLATE);
        Example example = encoding.encode(sample(new Message("user", "ab"), new Message("assistant", "cd"),
                new Message("user", "e"), new Message("assistant", "fg")));
        assertEquals("cd</s>fg</s>", learned(example));
        assertEquals("<s>user:ab</s><s>assistant:", tokenizer.decode(encoding.prompt("x",
                Conversation.of(Message.user("ab"))), false));
        assertEquals(Set.of(tokenizer.endTokenId().getAsInt()), encoding.stopIds());
    }

    @Test
    void allOfADocumentIsLearnedAndItEnds() {
        TextEncoding encoding = new TextEncoding(tokenizer, null);
        assertEquals("abc</s>", learned(encoding.encode(Sample.document("d:1", "abc"))));
        assertEquals("abc</s>", learned(encoding.encode(Sample.document("d:2", "abc</s>"))));
    }

    /** Documents need no template, so one that is wrong or refuses a lone question keeps nobody from using a cache. */
    @Test
    void theFingerprintNeedsNoTemplateThatWorks() {
        String refusing = "{{ raise_exception('no') }}";
        Set<String> prints = new HashSet<>();
        for (String template : new String[] {null, TEMPLATE, refusing, "{% wrong"}) {
            TextEncoding encoding = new TextEncoding(tokenizer, template);
            assertEquals("abc</s>", learned(encoding.encode(Sample.document("d:1", "abc"))));
            assertEquals(new TextEncoding(tokenizer, template).fingerprint(), encoding.fingerprint());
            prints.add(encoding.fingerprint());
            prints.add(new TextEncoding(tokenizer, template, Supervision.LAST, tokenizer.vocabularySize())
                    .fingerprint());
        }
        assertEquals(8, prints.size());
        refused(new TextEncoding(tokenizer, refusing), sample(new Message("user", "?"), new Message("assistant", "a")), "no");
    }

    @Test
    void refusalsNameTheSample() {
        TextEncoding encoding = new TextEncoding(tokenizer, TEMPLATE);
        Message question = new Message("user", "?");
        refused(encoding, sample(question), "x:1 has no response to learn. Add one");
        refused(encoding, new Sample("x:2", List.of(question), List.of(new Candidate("a", "")), null, Map.of()),
                "x:2 has no response to learn: its candidates were not chosen from");
        refused(encoding, sample(question, new Message("assistant", "\ud800")), "x:1: ");
        refused(new TextEncoding(tokenizer, null), sample(question, new Message("assistant", "a")), "no chat template");
    }

    @Test
    void aTokenWithoutARowIsRefusedWhereItOccurs() {
        int rows = tokenizer.encode("z", false).ids()[0];
        TextEncoding encoding = new TextEncoding(tokenizer, TEMPLATE, Supervision.ASSISTANT, rows);
        assertEquals("cab</s>", learned(encoding.encode(Sample.document("d:1", "cab"))));
        refused(encoding, Sample.document("d:2", "az"), "d:2: it holds the token 'z' with the id " + rows);
        refused(encoding, sample(new Message("user", "z"), new Message("assistant", "a")), "x:1: it holds the token");
        assertTrue(assertThrows(FinetuneException.class, () -> encoding.prompt("p:1",
                Conversation.of(Message.user("z")))).getMessage().startsWith("p:1: it holds the token"));
        assertNotEquals(new TextEncoding(tokenizer, TEMPLATE).fingerprint(), encoding.fingerprint());
        assertEquals(new TextEncoding(tokenizer, TEMPLATE).fingerprint(),
                new TextEncoding(tokenizer, TEMPLATE, Supervision.ASSISTANT, tokenizer.vocabularySize() + 40)
                        .fingerprint());
    }

    private static void refused(TextEncoding encoding, Sample sample, String expected) {
        String message = assertThrows(FinetuneException.class, () -> encoding.encode(sample)).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
