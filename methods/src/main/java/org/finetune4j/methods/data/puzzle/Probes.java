package org.finetune4j.methods.data.puzzle;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.data.Draws;
import org.finetune4j.methods.data.GeneralPoints;
import org.finetune4j.methods.data.Sokoban;

/**
 * The probes of the prompt-diversity study: other words and values than in training, harder games, and games where what
 * is announced does not count. Their games come of another seed than those of training.
 */
public final class Probes {
    private static final List<LabelSet> OTHER_LABELS = List.of(LabelSet.ALPHABETICAL, LabelSet.NUMERICAL,
            LabelSet.SYMBOLS);
    private static final List<String> OTHER_FACES = List.of("11,12,13", "5,5,5", "7,7,7", "12,12,12");

    private Probes() {
    }

    /**
     * Sokoban with moves called by letters, digits and signs.
     *
     * @param count games of each, at least 1; the study plays 100
     * @throws FinetuneException when training already has one of these sets of labels
     */
    public static List<Probe> instructionVariants(Sokoban training, int count) {
        return OTHER_LABELS.stream().map(labels -> Probe.sokoban(name(labels), other(training, labels), count))
                .toList();
    }

    /** The same where only the labels of training, which are the same in every sample, move the player. */
    public static List<Probe> fakePrompts(Sokoban training, LabelSet counting, int count) {
        return OTHER_LABELS.stream().map(labels -> Probe.fakeSokoban(name(labels), other(training, labels),
                fixed(counting), count)).toList();
    }

    private static MoveLabels fixed(LabelSet labels) {
        if (labels == LabelSet.RANDOM_WORDS) {
            throw new FinetuneException("the labels that count in a fake prompt must be the same in every game, but "
                    + "RANDOM_WORDS draws them again. Take WORDS.");
        }
        return labels.labels(new Draws(0, "fixed", 0));
    }

    /** Larger boards and more boxes: 10 by 10, two boxes, and both. */
    public static List<Probe> difficultyVariants(Sokoban training, int count) {
        List<Probe> probes = new ArrayList<>();
        int[][] shapes = {{10, 1}, {6, 2}, {10, 2}};
        for (int[] shape : shapes) {
            probes.add(Probe.sokoban(shape[0] + " by " + shape[0] + ", boxes " + shape[1], new Sokoban(1, shape[0],
                    shape[0], shape[1], training.labels(), training.form(), 1, training.seed() + 1), count));
        }
        return probes;
    }

    private static Sokoban other(Sokoban training, LabelSet labels) {
        if (training.labels() == labels) {
            throw new FinetuneException("the labels " + labels + " are those of training, so that the probe would show "
                    + "nothing. Train with others.");
        }
        return new Sokoban(1, training.height(), training.width(), training.boxes(), labels, training.form(), 1,
                training.seed() + 1);
    }

    private static String name(LabelSet labels) {
        return labels.name().toLowerCase(Locale.ROOT);
    }

    /**
     * General Points with other faces: 11, 12 and 13, all 5, all 7 and all 12; each hand has a face card.
     *
     * @param count hands of each, at least 1; the study deals 500
     * @throws FinetuneException when training already has one of these maps
     */
    public static List<Probe> instructionVariants(GeneralPoints training, int count) {
        return OTHER_FACES.stream().map(faces -> Probe.generalPoints("faces " + faces, other(training, faces), count))
                .toList();
    }

    /** The same where the given faces of training count. */
    public static List<Probe> fakePrompts(GeneralPoints training, CardFaces counting, int count) {
        return OTHER_FACES.stream().map(faces -> Probe.fakeGeneralPoints("faces " + faces, other(training, faces),
                counting, count)).toList();
    }

    /** Five cards, and cards of 14 to 19. */
    public static List<Probe> difficultyVariants(GeneralPoints training, int count) {
        return List.of(Probe.generalPoints((training.cards() + 1) + " cards", new GeneralPoints(1,
                        training.cards() + 1, training.target(), training.faces(), GeneralPoints.Hands.ANY,
                        training.form(), 0, training.seed() + 1), count),
                Probe.generalPoints("large numbers", new GeneralPoints(1, training.cards(), training.target(),
                        training.faces(), GeneralPoints.Hands.WITH_LARGE, training.form(), 0, training.seed() + 1),
                        count));
    }

    private static GeneralPoints other(GeneralPoints training, String faces) {
        if (training.faces().stream().map(CardFaces::of).anyMatch(CardFaces.of(faces)::equals)) {
            throw new FinetuneException("the faces " + faces + " are among those of training, so that the probe would "
                    + "show nothing. Train with others.");
        }
        return new GeneralPoints(1, training.cards(), training.target(), List.of(faces),
                GeneralPoints.Hands.WITH_FACE, training.form(), 0, training.seed() + 1);
    }
}
