package org.finetune4j.methods.data.puzzle;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/**
 * A position of Sokoban. Cells are numbered row by row, and what is outside is wall.
 *
 * @param height  rows, at least 1
 * @param width   columns, at least 1
 * @param walls   cells nobody enters
 * @param targets cells where the boxes shall stand
 * @param boxes   cells with a box
 * @param player  the cell with the player
 */
public record SokobanBoard(int height, int width, Set<Integer> walls, Set<Integer> targets, Set<Integer> boxes,
                           int player) {
    private static final char WALL = '#';
    private static final char FLOOR = '_';
    private static final char TARGET = 'O';
    private static final char BOX = 'X';
    private static final char PLAYER = 'P';
    private static final char BOX_ON_TARGET = '√';
    private static final char PLAYER_ON_TARGET = 'S';

    /** Keeps immutable copies. */
    public SokobanBoard {
        walls = Set.copyOf(walls);
        targets = Set.copyOf(targets);
        boxes = Set.copyOf(boxes);
    }

    /**
     * The board that rows of text show: {@code #} wall, {@code _} floor, {@code O} target, {@code X} box, {@code P}
     * player, {@code √} box on a target, {@code S} player on a target.
     *
     * @throws FinetuneException when rows differ in length, a character is unknown, or there is not one player
     */
    public static SokobanBoard parse(List<String> rows) {
        int width = rows.isEmpty() ? 0 : rows.get(0).length();
        Set<Integer> walls = new TreeSet<>();
        Set<Integer> targets = new TreeSet<>();
        Set<Integer> boxes = new TreeSet<>();
        int player = -1;
        int players = 0;
        for (int cell = 0; cell < rows.size() * width; cell++) {
            String row = rows.get(cell / width);
            char is = row.length() == width ? row.charAt(cell % width) : ' ';
            switch (is) {
                case WALL -> walls.add(cell);
                case FLOOR -> { }
                case TARGET -> targets.add(cell);
                case BOX -> boxes.add(cell);
                case BOX_ON_TARGET -> {
                    boxes.add(cell);
                    targets.add(cell);
                }
                case PLAYER, PLAYER_ON_TARGET -> {
                    player = cell;
                    players++;
                    if (is == PLAYER_ON_TARGET) {
                        targets.add(cell);
                    }
                }
                default -> throw new FinetuneException("row " + (cell / width + 1) + " of a Sokoban board is '" + row
                        + "', but must have " + width + " of the characters #_OXP√S.");
            }
        }
        if (players != 1) {
            throw new FinetuneException("a Sokoban board has " + players + " players, but must have one: " + rows);
        }
        return new SokobanBoard(rows.size(), width, walls, targets, boxes, player);
    }

    /** Whether every box stands on a target. */
    public boolean isSolved() {
        return targets.containsAll(boxes);
    }

    /** The board after a move, or null where a wall or a box that cannot be pushed is in the way. */
    public @Nullable SokobanBoard after(Move move) {
        int next = neighbour(player, move);
        if (next < 0 || walls.contains(next)) {
            return null;
        }
        if (!boxes.contains(next)) {
            return new SokobanBoard(height, width, walls, targets, boxes, next);
        }
        int behind = neighbour(next, move);
        if (behind < 0 || walls.contains(behind) || boxes.contains(behind)) {
            return null;
        }
        Set<Integer> pushed = new TreeSet<>(boxes);
        pushed.remove(next);
        pushed.add(behind);
        return new SokobanBoard(height, width, walls, targets, pushed, next);
    }

    /** The cells from which a box alone on the board can be pushed to a target; on any other it is lost. */
    Set<Integer> liveCells() {
        Set<Integer> live = new HashSet<>(targets);
        Deque<Integer> queue = new ArrayDeque<>(targets);
        while (!queue.isEmpty()) {
            int cell = queue.removeFirst();
            for (Move move : Move.values()) {
                int before = neighbour(cell, move);
                int player = before < 0 ? -1 : neighbour(before, move);
                if (player >= 0 && !walls.contains(before) && !walls.contains(player) && live.add(before)) {
                    queue.add(before);
                }
            }
        }
        return live;
    }

    private int neighbour(int cell, Move move) {
        int row = cell / width + move.rows();
        int column = cell % width + move.columns();
        return row < 0 || row >= height || column < 0 || column >= width ? -1 : row * width + column;
    }

    /** A cell as row and column from 1, such as {@code (2,3)}. */
    String place(int cell) {
        return "(" + (cell / width + 1) + "," + (cell % width + 1) + ")";
    }

    /** The rows as text, one a line. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int cell = 0; cell < height * width; cell++) {
            boolean target = targets.contains(cell);
            char is = walls.contains(cell) ? WALL : target ? TARGET : FLOOR;
            if (boxes.contains(cell)) {
                is = target ? BOX_ON_TARGET : BOX;
            } else if (player == cell) {
                is = target ? PLAYER_ON_TARGET : PLAYER;
            }
            text.append(cell > 0 && cell % width == 0 ? "\n" : "").append(is);
        }
        return text.toString();
    }
}
