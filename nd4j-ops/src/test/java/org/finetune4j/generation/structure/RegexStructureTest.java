package org.finetune4j.generation.structure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Regular expressions mean what java.util.regex says, and random models write nothing else. */
class RegexStructureTest {
    private static final TokenWalk WALK = new TokenWalk("abc", "bb", "aab");

    @ParameterizedTest
    @ValueSource(strings = {"a*b+c?", "(ab|a)(c|bcd)*", "a{2,4}", "(a|b){3}", "[^a]b", "(?:ab)+?|c", "", "a||b",
            "((a)|(b(c)))d?",
        "(a*)*b", "[a-c]{0,2}x", "a.c", "\\w\\d\\s?", "[\\]\\-x]+", "a{2,}|b", "x\\.d", "[b-]a", "(a?){3}", "^ab$|c$|^d"})
    void acceptsWhatJavaMatches(String regex) {
        TokenStructure form = WALK.ready(Structure.regex(regex));
        Pattern pattern = Pattern.compile(regex);
        String alphabet = "abcdx.-] 1\n";
        int accepted = 0;
        for (int length = 0; length <= 4; length++) {
            for (int number = 0; number < Math.pow(alphabet.length(), length); number++) {
                StringBuilder text = new StringBuilder();
                for (int i = 0, rest = number; i < length; i++, rest /= alphabet.length()) {
                    text.append(alphabet.charAt(rest % alphabet.length()));
                }
                boolean matches = pattern.matcher(text).matches();
                accepted += matches ? 1 : 0;
                assertEquals(matches, TokenWalk.accepts(form, text.toString()), regex + " and '" + text + "'");
            }
        }
        assertTrue(accepted > 0, regex + " never matched");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[\\u00e0-\\u00ff]{3,5}", "\\p{L}+ \\p{Nd}{2}", "[^\\x00-\\x7f]{2}", "(é|名前|😀)+", ".{1,6}",
            "\\P{L}{2}",
        "[\\uD7F0-\\u{10FFFF}]{2}", "-?(0|[1-9]\\d{0,5})(\\.\\d{1,3})?", "[a-z]+(, [a-z]+){0,3}\\.", "(GET|POST) /[\\w/]*"})
    void randomModelsWriteNothingElse(String regex) {
        TokenStructure form = WALK.ready(Structure.regex(regex));
        Pattern pattern = Pattern.compile(regex.replace("\\u{10FFFF}", "\\x{10FFFF}"));
        Random random = new Random(1);
        Set<String> texts = new HashSet<>();
        for (int i = 0; i < 300; i++) {
            TokenWalk.Walk walk = WALK.walk(form, random, 60);
            assertTrue(walk.ended() && pattern.matcher(walk.text()).matches(), regex + " and '" + walk.text() + "'");
            texts.add(walk.text());
        }
        assertTrue(texts.size() > 5, "few texts: " + texts);
    }

    @Test
    void tokensThatEndWithinACharacterAreUsed() {
        TokenStructure form = WALK.ready(Structure.regex("aé\""));
        int split = WALK.vocabulary().length - 7;
        Set<Integer> within = new HashSet<>();
        for (int token = 0; token < WALK.vocabulary().length; token++) {
            if (form.allows(form.start(), token)) {
                within.add(token);
            }
        }
        assertEquals(Set.of((int) 'a', split), within);
        StructureState between = form.next(form.start(), split);
        assertFalse(form.isAccepting(between));
        assertTrue(form.allows(between, 0xA9) && form.allows(between, split + 1) && !form.allows(between, 0xAA));
        assertTrue(form.isComplete(form.next(between, split + 1)));
    }

    @Test
    void aTextThatRunsOutOfTokensIsBroughtToAnEnd() {
        TokenStructure form = WALK.ready(Structure.regex("<[a-z]*>(\\d{3};)*\\."));
        Random random = new Random(2);
        for (int most = 3; most < 30; most++) {
            TokenWalk.Walk walk = WALK.walk(form, random, most);
            assertTrue(walk.ended() && walk.tokens() <= most && walk.text().matches("<[a-z]*>(\\d{3};)*\\."),
                    walk.toString());
        }
        assertTrue(assertThrows(StructureException.class, () -> form.requireFits(2)).getMessage().contains("3 bytes"));
        form.requireFits(3);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', value = {"(?=a)b~(?=a", "(?<!a)b~(?<!", "(a)\\1~refer back", "\\bword~\\b",
            "a++~possessive",
        "(?i)a~(?i)", "a**~quantifier after a quantifier", "[a~']'", "(a~no ')'", "a)~')'", "a^b~'^' in the middle",
        "a$b~'$' in the middle", "(a$)~'$' within a group", "*a~nothing before", "a{3,1}~{3,1}", "a{20000}~20000",
        "\\p{Nonsense}~Nonsense", "[z-a]~range", "[a&&b]~class within a class", "\\q~\\q", "[]a]~empty class",
        "\\uD800~surrogate",
        "a{~without a number"})
    void whatIsNotSupportedIsRefusedByName(String regex, String named) {
        String message = assertThrows(StructureException.class, () -> Structure.regex(regex)).getMessage();
        assertTrue(message.contains(named) && message.contains("at character"), message);
    }

    @Test
    void hostileExpressionsAreCapped() {
        for (String regex : List.of("(((a{1000}){1000}){1000})", "(\\p{L}{500}|\\p{N}{500}){5000}", "(".repeat(5000)
                + ")".repeat(5000),
                "a".repeat(200_000))) {
            assertNotNull(assertThrows(StructureException.class, () -> Structure.regex(regex)).getMessage());
        }
        // Exponential for a deterministic automaton that is made ahead.
        TokenStructure ambiguous = WALK.ready(Structure.regex("[ab]*a[ab]{200}"));
        assertTrue(WALK.walk(ambiguous, new Random(3), 300).ended());
        String impossible = assertThrows(StructureException.class, () ->
                Structure.regex("a[^\\x00-\\u{10FFFF}]")).getMessage();
        assertTrue(impossible.contains("has no text"), impossible);
    }

    /** A stop token may be text; within a form it comes where the text may end and nowhere else. */
    @Test
    void aTokenThatEndsTextsIsNoPartOfOne() {
        Set<Integer> ends = Set.of((int) 'a');
        TokenStructure form = WALK.ready(Structure.regex("x[a-c]*"), ends);
        float[] within = new float[WALK.vocabulary().length];
        form.restrict(form.start(), within, ends, 5);
        assertTrue(within['x'] == 0 && within['a'] == Float.NEGATIVE_INFINITY);
        float[] whole = new float[WALK.vocabulary().length];
        StructureState state = form.next(form.start(), 'x');
        form.restrict(state, whole, ends, 5);
        assertTrue(whole['a'] == 0 && whole['b'] == 0 && whole['x'] == Float.NEGATIVE_INFINITY);
        assertFalse(form.allows(state, 'a'));
        TokenStructure bracketed = WALK.ready(Structure.regex("<[a-c]*>"), ends);
        assertTrue(TokenWalk.accepts(bracketed, "<cb>") && !TokenWalk.accepts(bracketed, "<ca>"));
        assertThrows(StructureException.class, () -> WALK.ready(Structure.regex("xa+"), ends));
    }

    @Test
    void bytesWithoutATokenDoNotCome() {
        byte[][] few = new byte[300][];
        for (char letter : "abc".toCharArray()) {
            few[letter] = new byte[] {(byte) letter};
        }
        few[299] = "bd".getBytes(java.nio.charset.StandardCharsets.UTF_8);
        TokenStructure form = Structure.regex("(a|d|é|bd|bc)+").ready(new TokenVocabulary(few), Set.of());
        assertTrue(form.allows(form.start(), 'a') && form.allows(form.start(), 'b') && !form.allows(form.start(), 299));
        assertThrows(StructureException.class, () -> Structure.regex("[d-z]+").ready(new TokenVocabulary(few),
                Set.of()));
    }
}
