package org.finetune4j.data.format;

/** How Alpaca's instruction and input become the user's turn. */
public enum AlpacaPrompt {
    /** In the words that Alpaca was published with (Taori et al. 2023), as models trained on them expect. */
    PUBLISHED,
    /** The instruction, an empty line and the input, nothing around them. */
    PLAIN;

    private static final String BEGINNING = "Below is an instruction that describes a task";

    String text(String instruction, String input) {
        boolean hasInput = !input.isBlank();
        if (this == PLAIN) {
            return hasInput ? instruction + "\n\n" + input : instruction;
        }
        return BEGINNING + (hasInput ? ", paired with an input that provides further context" : "")
                + ". Write a response that appropriately completes the request.\n\n### Instruction:\n" + instruction
                + (hasInput ? "\n\n### Input:\n" + input : "") + "\n\n### Response:";
    }
}
