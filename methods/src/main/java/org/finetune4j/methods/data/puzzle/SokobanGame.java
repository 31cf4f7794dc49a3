package org.finetune4j.methods.data.puzzle;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;

/**
 * A board with what its moves are called: what is asked, and what a solver answers.
 *
 * @param board  the position
 * @param labels what the moves are called
 */
public record SokobanGame(SokobanBoard board, MoveLabels labels) {
    private static final Pattern ROWS = Pattern.compile("(?m)^[#_OXP√S]+$");

    /** What is asked: for the next move. */
    public String prompt() {
        return "Push every box X onto a target O. # is wall, _ is floor, P is you; √ is a box and S is you on a "
                + "target.\n"
                + labels.announcement() + "\n" + board + "\nWhat is next? Write <answer> move </answer>.";
    }

    /**
     * The game that a prompt asks for.
     *
     * @throws FinetuneException when it asks for none
     */
    public static SokobanGame asked(String prompt) {
        return new SokobanGame(shown(prompt), MoveLabels.announced(prompt));
    }

    /** Whether the moves of an answer, at least one, begin some shortest solution. */
    public boolean isOnTheWay(String answer) {
        List<String> given = MoveLabels.given(answer);
        List<Move> solution = SokobanSolver.solve(board);
        if (given.isEmpty() || solution == null || given.size() > solution.size()) {
            return false;
        }
        SokobanBoard at = board;
        for (String label : given) {
            Move move = labels.move(label);
            SokobanBoard next = move == null ? null : at.after(move);
            if (next == null) {
                return false;
            }
            at = next;
        }
        List<Move> rest = SokobanSolver.solve(at);
        return rest != null && rest.size() == solution.size() - given.size();
    }

    /**
     * The board that a prompt shows.
     *
     * @throws FinetuneException when it shows none
     */
    public static SokobanBoard shown(String prompt) {
        Matcher matcher = ROWS.matcher(prompt);
        List<String> rows = new ArrayList<>();
        while (matcher.find()) {
            rows.add(matcher.group());
        }
        return SokobanBoard.parse(rows);
    }

    /** The answer that gives the first moves of a solution, with or without the plan behind them. */
    public String answer(AnswerForm form, List<Move> solution, int moves) {
        List<Move> next = solution.subList(0, Math.min(moves, solution.size()));
        return form.write(plan(solution) + " Next: " + next.stream().map(Move::word).collect(Collectors.joining(", "))
                + ", called " + next.stream().map(labels::of).collect(Collectors.joining(", ")) + ".",
                labels.answer(next));
    }

    /** Where everything is, and where each move leads. */
    private String plan(List<Move> solution) {
        StringBuilder plan = new StringBuilder("I am at " + board.place(board.player()) + ", boxes at "
                + places(board.boxes()) + ", targets at " + places(board.targets()) + ".");
        SokobanBoard at = board;
        for (Move move : solution) {
            SokobanBoard next = at.after(move);
            if (next == null) {
                throw new IllegalArgumentException(move + " is not possible on\n" + at);
            }
            Set<Integer> pushed = new TreeSet<>(next.boxes());
            pushed.removeAll(at.boxes());
            plan.append(' ').append(move.word()).append(" to ").append(next.place(next.player()))
                    .append(pushed.isEmpty() ? "" : ", box to " + places(pushed)).append('.');
            at = next;
        }
        return plan.toString();
    }

    private String places(Set<Integer> cells) {
        return cells.stream().sorted().map(board::place).collect(Collectors.joining(" "));
    }
}
