package org.finetune4j.generation.structure;

import java.util.BitSet;
import java.util.Map;
import java.util.Set;

/**
 * A form that generated text is held to: at every place only such tokens can come that a text of the form goes on with,
 * and the text can only end where it is whole.
 */
public final class Structure {
    private static final String ROOT = "the text";
    private static final BitSet ALL_BYTES = new BitSet(256);

    static {
        ALL_BYTES.set(0, 256);
    }

    private final String origin;
    private final Map<String, Expression> rules;
    private final String root;
    private final Grammar grammar;

    Structure(String origin, Map<String, Expression> rules, String root) {
        this.origin = origin;
        this.rules = rules;
        this.root = root;
        this.grammar = GrammarCompiler.compile(rules, root, ALL_BYTES, origin);
    }

    /**
     * Texts that a regular expression matches as a whole, in the syntax that Java and JavaScript share; what looks around
     * or back does not belong to it.
     *
     * @throws StructureException when the expression is not valid, not supported, or too large
     */
    public static Structure regex(String regex) {
        return new Structure("the regular expression", Map.of(ROOT, RegexParser.whole(regex)), ROOT);
    }

    /**
     * JSON documents that are valid by a schema, without white space.
     *
     * @throws StructureException as {@link #json(String, WhiteSpace)} does
     */
    public static Structure json(String schema) {
        return json(schema, WhiteSpace.NONE);
    }

    /**
     * JSON documents that are valid by a schema of the drafts 7 to 2020-12.
     *
     * <p>What is held to: {@code type} (one or several), {@code enum}, {@code const}, {@code anyOf}, {@code oneOf} whose
     * alternatives exclude each other, {@code allOf} with one schema, {@code $ref} within the document, also back to where
     * it is; of strings {@code minLength}, {@code maxLength}, {@code pattern} and {@code format} (date, time, date-time,
     * uuid, ipv4, email); of numbers whole bounds; of arrays {@code items}, {@code prefixItems}, {@code minItems} and
     * {@code maxItems}; of objects {@code properties}, {@code required}, {@code additionalProperties} and
     * {@code maxProperties}. Annotations are passed over, and every other keyword is refused by name.
     *
     * <p>Of the valid documents those are written whose objects have their properties in the order of the schema, without
     * others unless {@code additionalProperties} says so (a schema without properties stands for any); that write each
     * character and number in one way (integers of up to 18 digits); and that nest within about twenty levels where the
     * schema leads back to itself. Without {@code type} a schema stands for the types that its keywords are about.
     * Properties that the schema does not name may come twice.
     *
     * @throws StructureException when the schema is not valid JSON, says something that is not supported, has no finite
     *                            document, or is too large; the message names the keyword and its place
     */
    public static Structure json(String schema, WhiteSpace space) {
        return JsonSchema.compile(schema, space);
    }

    /** White space between the tokens of JSON. */
    public enum WhiteSpace {
        /** None, as most compact writers do. */
        NONE,
        /** A space after each comma and colon, as Python's does. */
        SPACED,
        /** Up to twenty spaces, tabs and line ends between any two tokens, as the model likes. */
        FREE
    }

    /**
     * Makes the form ready for a tokenizer.
     *
     * @param ends tokens that end a text, so that none holds them
     * @throws StructureException when nothing of the form can be written with the tokenizer's other tokens
     */
    public TokenStructure ready(TokenVocabulary vocabulary, Set<Integer> ends) {
        return new TokenStructure(this, vocabulary, ends);
    }

    /** The grammar of those texts that have no other bytes. */
    Grammar grammar(BitSet available) {
        return available.equals(ALL_BYTES) ? grammar : GrammarCompiler.compile(rules, root, available, origin);
    }
}
