package org.finetune4j.methods.data.puzzle;

import java.util.List;
import java.util.function.UnaryOperator;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.data.GeneralPoints;
import org.finetune4j.methods.data.Sokoban;

/**
 * Games that show whether a policy follows what a prompt says. Two numbers come of it: validity, the share of games in
 * which every answer kept to the announced words or values, and success, the share of games that were won.
 *
 * @param name  what is other than in training, such as {@code numerical} or {@code fake numerical}
 * @param games the games
 */
public record Probe(String name, List<Game> games) {
    /** Turns in which a board of Sokoban must be solved. */
    public static final int TURNS = 30;
    /** Hands that are looked at for each game of a fake probe. */
    private static final int PATIENCE = 500;

    /** Keeps an immutable copy and refuses an empty list with a {@link FinetuneException}. */
    public Probe {
        games = List.copyOf(games);
        if (games.isEmpty()) {
            throw new FinetuneException("the probe " + name + " has no game. Give at least 1.");
        }
    }

    /** One game against a policy, which answers prompts. */
    @FunctionalInterface
    public interface Game {
        /** Plays it to its end. */
        Outcome play(UnaryOperator<String> policy);
    }

    /**
     * How a game ended.
     *
     * @param valid whether every answer kept to what the prompt announced
     * @param won   whether it was won by the rules that count
     */
    public record Outcome(boolean valid, boolean won) {
    }

    /**
     * How a policy did.
     *
     * @param name     the probe's name
     * @param games    games played
     * @param validity share of valid games
     * @param success  share of games won
     */
    public record Result(String name, int games, double validity, double success) {
    }

    /** Plays every game. */
    public Result run(UnaryOperator<String> policy) {
        int valid = 0;
        int won = 0;
        for (Game game : games) {
            Outcome outcome = game.play(policy);
            valid += outcome.valid() ? 1 : 0;
            won += outcome.won() ? 1 : 0;
        }
        return new Result(name, games.size(), (double) valid / games.size(), (double) won / games.size());
    }

    /** Games of Sokoban, each move of which is asked for by its own prompt; the labels that are announced count. */
    public static Probe sokoban(String name, Sokoban games, int count) {
        return new Probe(name, games.games().limit(count).map(game -> (Game) policy ->
                play(game, game.labels(), policy))
                .toList());
    }

    /** The same games where only the labels of training move the player: whoever wins did not read the prompt. */
    public static Probe fakeSokoban(String name, Sokoban games, MoveLabels training, int count) {
        return new Probe("fake " + name, games.games().limit(count)
                .map(game -> (Game) policy -> play(game, training, policy)).toList());
    }

    /** Hands of General Points, one answer each. */
    public static Probe generalPoints(String name, GeneralPoints hands, int count) {
        return new Probe(name, hands.deals().limit(count).map(hand -> (Game) policy -> {
            String answer = policy.apply(hand.prompt());
            return new Outcome(hand.isValid(answer), hand.score(answer) == PointsScore.CORRECT);
        }).toList());
    }

    /**
     * The same hands, of which those that have a solution in training too are kept, where the faces of training count:
     * whoever wins did not read the prompt.
     *
     * @throws FinetuneException when too few hands have a solution with both
     */
    public static Probe fakeGeneralPoints(String name, GeneralPoints hands, CardFaces training, int count) {
        List<PointsHand> both = hands.deals().limit((long) PATIENCE * count)
                .filter(hand -> PointsSolver.solvable(training.values(hand.cards()), hand.target())).limit(count).toList();
        if (both.size() < count) {
            throw new FinetuneException("of " + PATIENCE * count + " hands of " + hands.cards() + " cards that make "
                    + hands.target() + " with " + name + ", " + both.size() + " make it with those of training too, but "
                    + count + " are wanted. Play with more cards, another target or fewer games.");
        }
        return new Probe("fake " + name, both.stream().map(hand -> (Game) policy -> {
            String answer = policy.apply(hand.prompt());
            PointsHand asTrained = new PointsHand(hand.cards(), training, hand.target());
            return new Outcome(hand.isValid(answer), asTrained.score(answer) == PointsScore.CORRECT);
        }).toList());
    }

    private static Outcome play(SokobanGame start, MoveLabels counting, UnaryOperator<String> policy) {
        boolean valid = true;
        SokobanBoard at = start.board();
        for (int turn = 0; turn < TURNS && !at.isSolved(); turn++) {
            List<String> given = MoveLabels.given(policy.apply(new SokobanGame(at, start.labels()).prompt()));
            String label = given.isEmpty() ? "" : given.get(0);
            valid &= start.labels().move(label) != null;
            Move move = counting.move(label);
            SokobanBoard next = move == null ? null : at.after(move);
            at = next == null ? at : next;
        }
        return new Outcome(valid, at.isSolved());
    }
}
