package org.finetune4j.data.preview;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.Example;
import org.finetune4j.data.Provenance;

/**
 * Samples as a model sees them, with what it learns marked.
 *
 * @param samples the samples
 * @param notes   what their records were taken for and why, a sentence each
 */
public record Preview(List<Shown> samples, List<String> notes) {
    /** Keeps immutable copies. */
    public Preview {
        samples = List.copyOf(samples);
        notes = List.copyOf(notes);
    }

    /**
     * One sample.
     *
     * @param id         its name
     * @param provenance where it came from
     * @param roles      who speaks, turn by turn; none for a plain document
     * @param tokens     its tokens, before anything is cut
     * @param supervised how many of them are learned
     * @param pieces     its text, cut where learning begins and ends; what is lost for its length is not among them
     * @param note       what else is to be known, such as that it is too long, or an empty text
     */
    public record Shown(String id, Provenance provenance, List<String> roles, int tokens, int supervised,
            List<Piece> pieces,
                        String note) {
        /** Keeps immutable copies. */
        public Shown {
            roles = List.copyOf(roles);
            pieces = List.copyOf(pieces);
        }
    }

    /**
     * Consecutive tokens that are all learned, or of which none is.
     *
     * @param text    what they say
     * @param tokens  how many they are, at least 1
     * @param learned whether they are learned
     */
    public record Piece(String text, int tokens, boolean learned) {
    }

    /** Says tokens as text. */
    @FunctionalInterface
    public interface Decoding {
        /** The text of these tokens, special ones included. */
        String text(int[] ids);
    }

    /** An encoded sample cut where learning begins and ends. The first token is never learned, marked or not. */
    public static List<Piece> pieces(Example example, Decoding decoding) {
        List<Piece> pieces = new ArrayList<>();
        int from = 0;
        for (int to = 1; to <= example.ids().length; to++) {
            if (to == example.ids().length || learned(example, to) != learned(example, from)) {
                pieces.add(new Piece(decoding.text(java.util.Arrays.copyOfRange(example.ids(), from, to)), to - from,
                        learned(example, from)));
                from = to;
            }
        }
        return pieces;
    }

    private static boolean learned(Example example, int token) {
        return token > 0 && example.supervised()[token];
    }
}
