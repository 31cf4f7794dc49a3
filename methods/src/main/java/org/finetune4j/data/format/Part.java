package org.finetune4j.data.format;

/** A part that a record may have, with the name that its field usually bears. */
public enum Part {
    /** What is asked: a text that becomes the user's turn, or a list of turns. */
    PROMPT("prompt"),
    /** A text that becomes the assistant's turn. */
    RESPONSE("response"),
    /** The same under its other name: a text, or a list of turns. */
    COMPLETION("completion"),
    /** A text that becomes a system turn before everything else. */
    SYSTEM("system"),
    /** A list of turns as OpenAI writes them. */
    MESSAGES("messages"),
    /** A list of turns as ShareGPT writes them. */
    CONVERSATIONS("conversations"),
    /** Alpaca's task. */
    INSTRUCTION("instruction"),
    /** Alpaca's further context of the task. */
    INPUT("input"),
    /** Alpaca's response. */
    OUTPUT("output"),
    /** Alpaca's earlier turns: a list of pairs of task and response. */
    HISTORY("history"),
    /** A plain document. */
    TEXT("text"),
    /** A list of candidate responses: texts, or objects with text and source. */
    RESPONSES("responses"),
    /** The better of two responses. */
    CHOSEN("chosen"),
    /** The other of two responses. */
    REJECTED("rejected"),
    /** Whether a completion is good. */
    LABEL("label"),
    /** By how much the chosen response is better. */
    MARGIN("margin"),
    /** The reference answer of evaluation. */
    ANSWER("answer"),
    /** The tools that the assistant may call. */
    TOOLS("tools");

    private final String usual;

    Part(String usual) {
        this.usual = usual;
    }

    /** The usual name of its field. */
    public String usual() {
        return usual;
    }
}
