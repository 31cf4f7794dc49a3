package org.finetune4j.methods.judge;

import java.util.List;
import java.util.Optional;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.data.puzzle.PointsHand;
import org.finetune4j.methods.data.puzzle.PointsScore;
import org.finetune4j.methods.data.puzzle.SokobanGame;
import org.finetune4j.methods.generate.Asker;

/**
 * Accepts a reply that solves the puzzle of its prompt, as {@code sokoban} and {@code generalPoints} ask it: moves on
 * some shortest solution of the board, by the names that the prompt gives them, or a formula that uses the cards by the
 * values that the prompt gives them and makes the target.
 */
public record PuzzleAnswer() implements Judge {
    /** The rules of the puzzles. */
    public static final Method<PuzzleAnswer> METHOD = new Method<>("puzzleAnswer", Method.Kind.JUDGE,
            "Accepts replies that solve the puzzle of their prompt", "arXiv 2510.00237", settings ->
            new PuzzleAnswer());

    @Override
    public Method<PuzzleAnswer> method() {
        return METHOD;
    }

    @Override
    public List<Verdict> judge(List<Reply> replies, Asker asker) {
        return replies.stream().map(reply -> solves(reply.question(), reply.text()) ? Verdict.ACCEPTED
                : Verdict.REJECTED)
                .toList();
    }

    @Override
    public Optional<String> problem(Sample sample) {
        try {
            solves(sample.prompt().isEmpty() ? "" : sample.prompt().get(sample.prompt().size() - 1).text(), "");
            return Optional.empty();
        } catch (FinetuneException none) {
            return Optional.of("asks no puzzle that puzzleAnswer() knows. Take data of sokoban() or generalPoints(), "
                    + "or "
                    + "another judge.");
        }
    }

    private static boolean solves(String prompt, String answer) {
        return PointsHand.isAsked(prompt) ? PointsHand.asked(prompt).score(answer) == PointsScore.CORRECT
                : SokobanGame.asked(prompt).isOnTheWay(answer);
    }
}
