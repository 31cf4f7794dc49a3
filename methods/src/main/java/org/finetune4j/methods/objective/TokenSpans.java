package org.finetune4j.methods.objective;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.jspecify.annotations.Nullable;

/** Which tokens of an encoded sample hold the characters of its response. */
final class TokenSpans {
    private TokenSpans() {
    }

    /**
     * 1 for each supervised token that holds a marked character of the response, even in part, else 0: {@code [tokens]}.
     *
     * @param response the text of the last turn
     * @param marked   {@code [characters]} of it
     * @param bytes    of every token, by its id
     * @throws FinetuneException when the tokens do not hold the text as it is
     */
    static float[] marked(Example example, String response, boolean[] marked, byte[] @Nullable [] bytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        int[] ends = new int[example.ids().length];
        for (int i = 0; i < ends.length; i++) {
            byte @Nullable [] own = bytes[example.ids()[i]];
            if (own != null) {
                all.writeBytes(own);
            }
            ends[i] = all.size();
        }
        byte[] text = response.getBytes(StandardCharsets.UTF_8);
        int start = lastIndex(all.toByteArray(), text);
        if (start < 0) {
            // Many chat templates take white space off the ends.
            String bare = response.strip();
            int cut = response.indexOf(bare);
            if (!bare.isEmpty() && !bare.equals(response)) {
                return marked(example, bare, Arrays.copyOfRange(marked, cut, cut + bare.length()), bytes);
            }
            throw new FinetuneException("the tokens of " + example.id() + " do not hold its response as it is written, so that "
                    + "they cannot be marked by its characters. Use a tokenizer and a chat template that leave texts "
                    + "unchanged.");
        }
        boolean[] markedBytes = bytes(response, marked);
        float[] marks = new float[ends.length];
        for (int i = 0; i < ends.length; i++) {
            int from = Math.max(0, (i == 0 ? 0 : ends[i - 1]) - start);
            int to = Math.min(text.length, ends[i] - start);
            for (int b = from; b < to && example.supervised()[i]; b++) {
                marks[i] = markedBytes[b] ? 1 : marks[i];
            }
        }
        return marks;
    }

    private static boolean[] bytes(String text, boolean[] marked) {
        boolean[] bytes = new boolean[text.getBytes(StandardCharsets.UTF_8).length];
        int at = 0;
        for (int i = 0; i < text.length();) {
            int length = Character.charCount(text.codePointAt(i));
            int size = text.substring(i, i + length).getBytes(StandardCharsets.UTF_8).length;
            Arrays.fill(bytes, at, at + size, marked[i]);
            at += size;
            i += length;
        }
        return bytes;
    }

    private static int lastIndex(byte[] all, byte[] text) {
        for (int start = all.length - text.length; start >= 0; start--) {
            if (Arrays.equals(all, start, start + text.length, text, 0, text.length)) {
                return start;
            }
        }
        return -1;
    }
}
