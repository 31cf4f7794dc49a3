package org.finetune4j.methods.data.puzzle;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds a shortest solution of a Sokoban board, breadth first; moves are tried in the order of {@link Move}. */
public final class SokobanSolver {
    /** No longer solution is looked for. */
    public static final int DEEPEST = 30;

    private SokobanSolver() {
    }

    /** The moves of a shortest solution, or null where none has at most {@value #DEEPEST} moves. */
    public static @Nullable List<Move> solve(SokobanBoard start) {
        Set<State> seen = new HashSet<>();
        Deque<Node> queue = new ArrayDeque<>();
        Set<Integer> live = start.liveCells();
        queue.add(new Node(start, null, null, 0));
        seen.add(State.of(start));
        while (!queue.isEmpty()) {
            Node node = queue.removeFirst();
            if (node.board.isSolved()) {
                return node.moves();
            }
            for (Move move : Move.values()) {
                SokobanBoard next = node.depth == DEEPEST ? null : node.board.after(move);
                if (next != null && live.containsAll(next.boxes()) && seen.add(State.of(next))) {
                    queue.add(new Node(next, node, move, node.depth + 1));
                }
            }
        }
        return null;
    }

    /** What changes while one plays. */
    private record State(int player, Set<Integer> boxes) {
        static State of(SokobanBoard board) {
            return new State(board.player(), board.boxes());
        }
    }

    private record Node(SokobanBoard board, @Nullable Node before, @Nullable Move move, int depth) {
        List<Move> moves() {
            List<Move> moves = new ArrayList<>();
            for (Node at = this; at != null && at.move != null; at = at.before) {
                moves.add(at.move);
            }
            Collections.reverse(moves);
            return moves;
        }
    }
}
