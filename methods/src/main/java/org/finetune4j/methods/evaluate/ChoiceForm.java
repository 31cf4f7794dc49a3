package org.finetune4j.methods.evaluate;

/** What the model is asked for where there are choices. */
public enum ChoiceForm {
    /** The text of a choice. */
    TEXTS,
    /** The letter of a choice, all of which the prompt then lists, as MMLU does. */
    LETTERS
}
