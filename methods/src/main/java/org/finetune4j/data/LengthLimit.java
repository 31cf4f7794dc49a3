package org.finetune4j.data;

/**
 * The longest sequence that is trained on, and whose limit it is: messages must not advise what cannot help.
 *
 * @param tokens    most tokens of a sequence
 * @param isContext whether the model's context is the limit, so that raising the setting changes nothing
 */
public record LengthLimit(int tokens, boolean isContext) {
    /** The shorter of a setting and a model's context. */
    public static LengthLimit of(int maxLength, int context) {
        return new LengthLimit(Math.min(maxLength, context), maxLength >= context);
    }

    /** The limit in words, such as {@code maxLength 512}. */
    public String description() {
        return isContext ? "the model's context of " + tokens + " tokens" : "maxLength " + tokens;
    }

    /** Words to begin an advice with. */
    public String raise() {
        return isContext ? "No setting makes the context longer: " : "Raise maxLength, ";
    }
}
