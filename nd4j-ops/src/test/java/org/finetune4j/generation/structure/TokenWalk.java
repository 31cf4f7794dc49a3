package org.finetune4j.generation.structure;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Texts that a model of random logits writes within a form. */
final class TokenWalk {
    /** Ends a text; no text of its own. */
    static final int STOP = 256;
    /** A special token, which no form allows. */
    static final int SPECIAL = 257;

    private final byte[][] vocabulary;
    private final TokenVocabulary laidOut;

    /** Every byte, two special tokens, and tokens of several bytes, some of which begin or end within a character. */
    TokenWalk(String... texts) {
        List<byte[]> tokens = new ArrayList<>();
        for (int value = 0; value < 256; value++) {
            tokens.add(new byte[] {(byte) value});
        }
        tokens.add(null);
        tokens.add(null);
        for (String text : List.of("{\"", "\":", "\",\"", "\"}", "\":\"", "true", "null", "12", "00", "0.", "ab",
                "the ", "é",
                "名前", "[]", "[{", "}]", "},{", "\\\"", "\\u00", ", ", ": ", "  ")) {
            tokens.add(text.getBytes(StandardCharsets.UTF_8));
        }
        tokens.add(new byte[] {'a', (byte) 0xC3});
        tokens.add(new byte[] {(byte) 0xA9, '"'});
        tokens.add(new byte[] {(byte) 0xF0, (byte) 0x9F});
        // Two tokens with the same bytes.
        tokens.add("the ".getBytes(StandardCharsets.UTF_8));
        for (String text : texts) {
            tokens.add(text.getBytes(StandardCharsets.UTF_8));
        }
        vocabulary = tokens.toArray(byte[][]::new);
        laidOut = new TokenVocabulary(vocabulary);
    }

    byte[][] vocabulary() {
        return vocabulary;
    }

    TokenStructure ready(Structure form) {
        return ready(form, Set.of());
    }

    TokenStructure ready(Structure form, Set<Integer> ends) {
        return form.ready(laidOut, ends);
    }

    /** What a walk wrote, and with how many tokens. */
    record Walk(String text, int tokens, boolean ended) {
    }

    /** A text of at most so many tokens. */
    Walk walk(TokenStructure form, Random random, int most) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        StructureState state = form.start();
        int tokens = 0;
        float[] logits = new float[vocabulary.length];
        while (tokens < most && !form.isComplete(state)) {
            for (int i = 0; i < logits.length; i++) {
                logits[i] = (float) random.nextGaussian();
            }
            form.restrict(state, logits, Set.of(STOP), most - tokens);
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            if (logits[best] == Float.NEGATIVE_INFINITY) {
                throw new AssertionError("a dead end after " + bytes);
            }
            if (best == STOP) {
                break;
            }
            bytes.writeBytes(vocabulary[best]);
            state = form.next(state, best);
            tokens++;
        }
        return new Walk(decode(bytes.toByteArray()), tokens, form.isAccepting(state));
    }

    private static String decode(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new AssertionError("not UTF-8: " + java.util.Arrays.toString(bytes), e);
        }
    }

    /** Whether the form holds exactly this text, byte by byte. */
    static boolean accepts(TokenStructure form, String text) {
        StructureState state = form.start();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            if (!form.allows(state, value & 0xFF)) {
                return false;
            }
            state = form.next(state, value & 0xFF);
        }
        return form.isAccepting(state);
    }
}
