package org.finetune4j.methods.data.puzzle;

/** A step of the player in Sokoban, in the order in which a search tries them. */
public enum Move {
    /** One row up. */
    UP(-1, 0, "Up"),
    /** One row down. */
    DOWN(1, 0, "Down"),
    /** One column to the left. */
    LEFT(0, -1, "Left"),
    /** One column to the right. */
    RIGHT(0, 1, "Right");

    private final int rows;
    private final int columns;
    private final String word;

    Move(int rows, int columns, String word) {
        this.rows = rows;
        this.columns = columns;
        this.word = word;
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    /** What it is called in plain words, such as {@code Up}. */
    public String word() {
        return word;
    }
}
