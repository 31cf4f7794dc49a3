package org.finetune4j.methods.data;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.puzzle.AnswerForm;
import org.finetune4j.methods.data.puzzle.CardFaces;
import org.finetune4j.methods.data.puzzle.PointsHand;
import org.finetune4j.methods.data.puzzle.PointsSolver;
import org.finetune4j.tokenizer.Message;

/**
 * Hands of cards of which a formula shall make a target, with a solver's answers; the prompt says what J, Q and K count
 * for. With several maps of faces the samples take turns, so that words and rule come apart (prompt diversity).
 *
 * <p>Debunk the Myth of SFT Generalization, arXiv 2510.00237. Cards are drawn uniformly with repetition, hands without
 * a solution again; equal seeds give equal hands.
 *
 * @param rows     how many samples, at least 1; default 10 000
 * @param cards    cards of a hand, 2 to 6; default 4
 * @param target   what the formula shall equal, at least 1; default 24
 * @param faces    maps such as {@code 10,10,10}: what J, Q and K count for, each 1 to 19; default one, all 10
 * @param hands    which hands are kept; default ANY
 * @param form     with or without worked reasoning; default ANSWER
 * @param attempts failed attempts that reasoning shows at most, at least 0; default 3
 * @param seed     decides the hands
 */
public record GeneralPoints(int rows, int cards, int target, List<String> faces, Hands hands, AnswerForm form,
                            int attempts, long seed) implements DataGenerator {
    /** The two maps under two names of the paper stand twice, so that each map has the paper's share. */
    public static final List<String> DIVERSE_FACES = List.of("8,8,8", "9,9,9", "10,10,10", "8,9,10", "8,9,10", "7,8,9",
            "5,7,9", "6,8,10");

    /** The puzzle of the prompt-diversity study, 2025. */
    public static final Method<GeneralPoints> METHOD = new Method<>("generalPoints", Method.Kind.DATA,
            "Debunk the Myth of SFT Generalization (General Points)", "arXiv 2510.00237",
            settings -> new GeneralPoints(settings.whole("rows", 10_000), settings.whole("cards", 4),
                    settings.whole("target", 24), settings.texts("faces", List.of("10,10,10")),
                    settings.choice("hands", Hands.ANY), settings.choice("form", AnswerForm.ANSWER),
                    settings.whole("attempts", 3), settings.whole("seed", 42L)));

    /** Draws that found no hand: the settings allow none, or next to none. */
    private static final int PATIENCE = 100_000;

    /** Which hands are kept. */
    public enum Hands {
        /** Any, of A to K. */
        ANY,
        /** With at least one of J, Q and K. */
        WITH_FACE,
        /** Of A to K and the numbers 14 to 19, with at least one of these. */
        WITH_LARGE
    }

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public GeneralPoints {
        faces = List.copyOf(faces);
        Settings.require(rows >= 1, "generalPoints", "rows", rows, "at least 1");
        Settings.require(cards >= 2 && cards <= 6, "generalPoints", "cards", cards, "at least 2 and at most 6");
        Settings.require(target >= 1, "generalPoints", "target", target, "at least 1");
        Settings.require(!faces.isEmpty(), "generalPoints", "faces", faces, "at least one map");
        Settings.require(attempts >= 0, "generalPoints", "attempts", attempts, "at least 0");
        faces.forEach(CardFaces::of);
    }

    @Override
    public Method<GeneralPoints> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        return IntStream.range(0, rows).mapToObj(this::sample);
    }

    /** The hands alone, without end, as a probe plays them. */
    public Stream<PointsHand> deals() {
        return IntStream.iterate(0, index -> index + 1).mapToObj(this::hand);
    }

    private Sample sample(int index) {
        PointsHand hand = hand(index);
        String answer = hand.answer(form, attempts);
        return new Sample(id(seed, index), List.of(Message.user(hand.prompt()), Message.assistant(answer)), List.of(),
                null, Map.of("faces", faces.get(index % faces.size())));
    }

    private PointsHand hand(int index) {
        Draws draws = new Draws(seed, "generalPoints", index);
        CardFaces map = CardFaces.of(faces.get(index % faces.size()));
        for (int tries = 0; tries < PATIENCE; tries++) {
            List<Integer> drawn = IntStream.range(0, cards)
                    .mapToObj(any -> draws.between(1, hands == Hands.WITH_LARGE ? 19 : 13)).toList();
            if (kept(drawn) && PointsSolver.solvable(map.values(drawn), target)) {
                return new PointsHand(drawn, map, target);
            }
        }
        throw new FinetuneException("generalPoints: none of " + PATIENCE + " hands of " + cards + " cards makes "
                + target
                + " with the faces " + faces.get(index % faces.size()) + ". Choose another target or more cards.");
    }

    private boolean kept(List<Integer> drawn) {
        return switch (hands) {
            case ANY -> true;
            case WITH_FACE -> drawn.stream().anyMatch(card -> card >= 11 && card <= 13);
            case WITH_LARGE -> drawn.stream().anyMatch(card -> card >= 14);
        };
    }
}
