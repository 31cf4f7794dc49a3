package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tokens of a conversation are learned. The tokenizer's padding token is its end token in all of these. */
class ConversationEncoderTest {
    private static final Conversation ONE_TURN = Conversation.of(Message.system("Be brief."), Message.user("What is 3 + 4?"),
        Message.assistant("3 + 4 is 7."));
    private static final Conversation TWO_TURNS = Conversation.of(Message.user("What is 3 + 4?"), Message.assistant("7 😀"),
        Message.user("Thanks"), Message.assistant("The answer\n\nis the same."));

    @TempDir
    Path folder;

    private Tokenizer tokenizer;

    @BeforeEach
    void load() {
        tokenizer = TestTokenizers.load(folder, TestTokenizers.CHAT);
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private ConversationEncoder encoder() {
        return new ConversationEncoder(tokenizer, tokenizer.chatTemplate());
    }

    private ConversationEncoder encoder(String template) {
        return new ConversationEncoder(tokenizer, ChatTemplate.of(template, "test",
            Map.of("bos_token", "<|endoftext|>", "eos_token", "<|im_end|>")));
    }

    /** Returns the runs of learned tokens as text. */
    private List<String> learned(EncodedConversation encoded) {
        List<String> runs = new ArrayList<>();
        for (int start = 0; start < encoded.length(); start++) {
            int end = start;
            while (end < encoded.length() && encoded.supervised()[end]) {
                end++;
            }
            if (end > start) {
                runs.add(tokenizer.decode(Arrays.copyOfRange(encoded.ids(), start, end), false));
                start = end;
            }
        }
        return runs;
    }

    @Test
    void learnsTheResponseAndItsEndOnly() {
        EncodedConversation encoded = encoder().encode(ONE_TURN, Supervision.ASSISTANT);
        assertEquals(List.of("3 + 4 is 7.<|im_end|>"), learned(encoded));
        assertEquals(tokenizer.chatTemplate().render(ONE_TURN, false), tokenizer.decode(encoded.ids(), false));
    }

    @Test
    void learnsEveryTurnOrTheLastOrAll() {
        assertEquals(List.of("7 😀<|im_end|>", "The answer\n\nis the same.<|im_end|>"),
            learned(encoder().encode(TWO_TURNS, Supervision.ASSISTANT)));
        assertEquals(List.of("The answer\n\nis the same.<|im_end|>"), learned(encoder().encode(TWO_TURNS, Supervision.LAST)));
        EncodedConversation all = encoder().encode(TWO_TURNS, Supervision.ALL_TEXT);
        assertEquals(all.length(), all.supervisedCount());
    }

    /** The padding token is the end token here; marking by place must still learn the end. */
    @Test
    void learnsTheEndThoughItIsThePaddingToken() {
        assertEquals(tokenizer.paddingTokenId(), tokenizer.endTokenId());
        EncodedConversation encoded = encoder().encode(ONE_TURN, Supervision.ASSISTANT);
        int ends = 0;
        for (int i = 0; i < encoded.length(); i++) {
            ends += encoded.supervised()[i] && encoded.ids()[i] == tokenizer.endTokenId().getAsInt() ? 1 : 0;
        }
        assertEquals(1, ends);
        assertEquals(Set.of(2), encoder().stopTokens().ids());
    }

    @Test
    void promptEditsDoNotChangeWhatIsLearned() {
        Random random = new Random(8);
        int[] expected = learnedIds(encoder().encode(ONE_TURN, Supervision.ASSISTANT));
        for (int round = 0; round < 100; round++) {
            Conversation edited = Conversation.of(Message.system(RandomText.next(random)), Message.user(RandomText.next(random)),
                ONE_TURN.messages().get(2));
            assertArrayEquals(expected, learnedIds(encoder().encode(edited, Supervision.ASSISTANT)));
        }
    }

    private static int[] learnedIds(EncodedConversation encoded) {
        int[] ids = new int[encoded.supervisedCount()];
        int count = 0;
        for (int i = 0; i < encoded.length(); i++) {
            if (encoded.supervised()[i]) {
                ids[count++] = encoded.ids()[i];
            }
        }
        return ids;
    }

    /** Any response, one that repeats its question or looks like a template included, is found where it is. */
    @Test
    void findsAnyResponse() {
        Random random = new Random(9);
        for (int round = 0; round < 200; round++) {
            String response = round % 10 == 0 ? "{{ messages }} {% if %} question" : RandomText.next(random) + ".";
            String question = round % 3 == 0 ? response : RandomText.next(random);
            EncodedConversation encoded = encoder().encode(Conversation.of(Message.user(question), Message.assistant(response),
                Message.user(response), Message.assistant(response)), Supervision.ASSISTANT);
            assertEquals(List.of(response + "<|im_end|>", response + "<|im_end|>"), learned(encoded));
        }
    }

    @Test
    void aPromptIsTheBeginningOfItsConversation() {
        int[] prompt = encoder().encodePrompt(ONE_TURN.upTo(2));
        EncodedConversation encoded = encoder().encode(ONE_TURN, Supervision.ASSISTANT);
        assertArrayEquals(prompt, Arrays.copyOf(encoded.ids(), prompt.length));
        for (int i = 0; i < encoded.length(); i++) {
            assertEquals(i >= prompt.length && i < encoded.length() - 1, encoded.supervised()[i], "token " + i);
        }
    }

    /** No generation prompt, blanks around the content, the beginning named by the template. */
    @Test
    void learnsTheBlanksThatTheModelHasToWrite() {
        ConversationEncoder encoder = encoder("{% for m in messages %}{% if m.role == 'user' %}"
            + "{{ bos_token + '[INST] ' + m.content.strip() + ' [/INST]' }}{% else %}"
            + "{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}");
        EncodedConversation encoded = encoder.encode(Conversation.of(Message.user("Hi"), Message.assistant(" There  ")),
            Supervision.ASSISTANT);
        assertEquals(List.of(" There <|im_end|>"), learned(encoded));
        assertEquals(0, encoded.ids()[0]);
        assertEquals(1, Arrays.stream(encoded.ids()).filter(id -> id == 0).count(), "one token for the beginning");
    }

    @Test
    void leavesAHeaderOutThoughThereIsNoGenerationPrompt() {
        ConversationEncoder encoder = encoder("{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content"
            + " + '<|im_end|>\n' }}{% endfor %}");
        assertEquals(List.of("3 + 4 is 7.<|im_end|>"), learned(encoder.encode(ONE_TURN, Supervision.ASSISTANT)));
    }

    /** Words between generation prompt and content are the model's to write; earlier turns may be shown without them. */
    @Test
    void learnsWhatTheTemplatePutsBetween() {
        ConversationEncoder encoder = encoder("{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
            + "{% if m.role == 'assistant' and loop.last %}{{ '<think></think>' }}{% endif %}{{ m.content | trim }}"
            + "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}");
        assertEquals(List.of("7 😀<|im_end|>", "<think></think>The answer\n\nis the same.<|im_end|>"),
            learned(encoder.encode(TWO_TURNS, Supervision.ASSISTANT)));
    }

    /** "Answer: " and "the" become ":" and " the": the token across the border belongs to the response. */
    @Test
    void aTokenAcrossTheBorderIsLearned() {
        ConversationEncoder encoder = encoder("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}\n"
            + "{% else %}{{ 'answer: ' + m.content + eos_token }}{% endif %}{% endfor %}"
            + "{% if add_generation_prompt %}{{ 'answer: ' }}{% endif %}");
        EncodedConversation encoded = encoder.encode(Conversation.of(Message.user("which"), Message.assistant("the answer")),
            Supervision.ASSISTANT);
        assertEquals(List.of(" the answer<|im_end|>"), learned(encoded));
        assertEquals(List.of("9<|im_end|>"), learned(encoder.encode(Conversation.of(Message.user("which"),
            Message.assistant("9")), Supervision.ASSISTANT)), "a digit is not merged with the blank");
    }

    @Test
    void refusesWhatCannotBeLearned() {
        assertRefused(Conversation.of(), "no message");
        assertRefused(Conversation.of(Message.user("a")), "of 1 messages has no response");
        assertRefused(Conversation.of(Message.user("a"), Message.assistant(" \n")), "response at message index 1 is empty");
        assertRefused(Conversation.of(Message.user("a"), Message.assistant(""), Message.user("b"), Message.assistant("c")),
            "response at message index 1 is empty");
        assertEquals(List.of("c<|im_end|>"), learned(encoder().encode(Conversation.of(Message.user("a"), Message.assistant(""),
            Message.user("b"), Message.assistant("c")), Supervision.LAST)));
    }

    private void assertRefused(Conversation messages, String words) {
        String message = assertThrows(ConversationException.class, () -> encoder().encode(messages, Supervision.ASSISTANT))
            .getMessage();
        assertTrue(message.contains(words), message);
    }

    @Test
    void refusesTemplatesThatCannotTeach() {
        assertTemplateRefused("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
            "does not end the response at message index 1 with a special token");
        assertTemplateRefused("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
            "leaves out the response at message index 1");
        assertTemplateRefused("{% for m in messages %}{{ m.content }}{{ m.content }}{{ eos_token }}{% endfor %}",
            "repeats the response at message index 1");
        assertTemplateRefused("{{ messages | map(attribute='content') | join | length }}{% for m in messages %}{{ m.content }}"
            + "{{ eos_token }}{% endfor %}",
            "changes other text with the response at message index 1");
        assertTemplateRefused("{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}"
            + "{% endfor %}", "begins with two '<|endoftext|>' tokens");
    }

    private void assertTemplateRefused(String template, String words) {
        String message = assertThrows(ConversationException.class, () -> encoder(template).encode(
            Conversation.of(Message.user("ab"), Message.assistant("cd")), Supervision.ASSISTANT)).getMessage();
        assertTrue(message.contains(words), message);
    }

    /** What the response says may not be shown at all, or be the first token, which nothing predicts. */
    @Test
    void refusesASampleWithoutAnythingToLearn() {
        ConversationEncoder hiding = encoder("{% for m in messages %}{{ m.content.split('</think>')[-1] }}{{ eos_token }}"
            + "{% endfor %}");
        assertTrue(assertThrows(ConversationException.class, () -> hiding.encode(Conversation.of(Message.user("a"),
            Message.assistant("<think>b</think>")), Supervision.ASSISTANT)).getMessage()
            .contains("shows nothing of the response at message index 1"));
        assertTrue(assertThrows(ConversationException.class, () -> encoder("{% for m in messages %}{{ m.content }}{% endfor %}")
            .encode(Conversation.of(Message.assistant("a")), Supervision.ASSISTANT.withoutEndOfTurn())).getMessage()
            .contains("of 1 tokens none is to be learned"));
    }

    /** A template's own marks may enclose the header, which the prompt brings, but never less than the response. */
    @Test
    void theTemplatesOwnMarksMustAgree() {
        String begin = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}\n{% else %}";
        String end = "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        Conversation conversation = Conversation.of(Message.user("ab"), Message.assistant("cd"));
        assertEquals(List.of("cd<|im_end|>"), learned(encoder(begin + "{% generation %}<|im_start|>assistant\n"
            + "{{ m.content + eos_token }}{% endgeneration %}" + end).encode(conversation, Supervision.ASSISTANT)));
        assertEquals(List.of("cd<|im_end|>"), learned(encoder(begin + "<|im_start|>assistant\nSo: {% generation %}"
            + "{{ m.content }}{% endgeneration %}{{ eos_token }}" + end).encode(conversation, Supervision.ASSISTANT)));
        assertTrue(assertThrows(ConversationException.class, () -> encoder(begin + "<|im_start|>assistant\n{{ m.content[0] }}"
            + "{% generation %}{{ m.content[1:] }}{% endgeneration %}{{ eos_token }}" + end)
            .encode(conversation, Supervision.ASSISTANT)).getMessage().contains("something else than the response"));
    }
}
