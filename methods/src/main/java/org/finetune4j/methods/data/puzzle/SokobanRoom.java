package org.finetune4j.methods.data.puzzle;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.data.Draws;
import org.jspecify.annotations.Nullable;

/**
 * Draws boards: a room with walls around it, now and then a wall inside, and boxes, targets and the player anywhere.
 *
 * @param height rows with the walls, at least 4
 * @param width  columns with the walls, at least 4
 * @param boxes  boxes and as many targets, at least 1
 */
public record SokobanRoom(int height, int width, int boxes) {
    private static final double INNER_WALLS = 0.1;
    private static final int PATIENCE = 10_000;

    /** A board with its shortest solution, which has at least one move. */
    public record Solved(SokobanBoard board, List<Move> solution) {
    }

    /**
     * A board that can be solved.
     *
     * @throws FinetuneException when none is found
     */
    public Solved draw(Draws draws) {
        for (int tries = 0; tries < PATIENCE; tries++) {
            SokobanBoard board = any(draws);
            if (board != null && !board.isSolved()) {
                List<Move> solution = SokobanSolver.solve(board);
                if (solution != null) {
                    return new Solved(board, solution);
                }
            }
        }
        throw new FinetuneException("sokoban: none of " + PATIENCE + " boards of " + height + " by " + width + " with "
                + boxes + " boxes can be solved. Choose larger boards or fewer boxes.");
    }

    private @Nullable SokobanBoard any(Draws draws) {
        Set<Integer> walls = new TreeSet<>();
        List<Integer> free = new ArrayList<>();
        for (int cell = 0; cell < height * width; cell++) {
            int row = cell / width;
            int column = cell % width;
            boolean edge = row == 0 || column == 0 || row == height - 1 || column == width - 1;
            if (edge || draws.real() < INNER_WALLS) {
                walls.add(cell);
            } else {
                free.add(cell);
            }
        }
        // The boxes, the player, and targets that may lie under the player or under some of the boxes.
        List<Integer> taken = draws.sample(free, boxes + 1);
        List<Integer> targets = draws.sample(free, boxes);
        return taken.size() <= boxes ? null : new SokobanBoard(height, width, walls, Set.copyOf(targets),
                Set.copyOf(taken.subList(0, boxes)), taken.get(boxes));
    }
}
