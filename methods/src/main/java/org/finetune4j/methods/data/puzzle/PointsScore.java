package org.finetune4j.methods.data.puzzle;

import java.util.List;

/**
 * The reward of a formula for General Points, in exact arithmetic (the published scorer computes in floating point and
 * refuses {@code 8/(3-8/3)}).
 */
public enum PointsScore {
    /** Equals the target with every number used once. */
    CORRECT(5),
    /** No whole formula, but the beginning of a right one. */
    UNFINISHED(1),
    /** Uses every number once but does not equal the target. */
    WRONG_VALUE(-1),
    /** Its numbers are not exactly those of the hand. */
    WRONG_NUMBERS(-2),
    /** Other characters than digits, operators and brackets, or wrong syntax. */
    ILLEGAL(-3);

    private final int reward;

    PointsScore(int reward) {
        this.reward = reward;
    }

    /** The reward. */
    public int reward() {
        return reward;
    }

    /** Whether the formula is legal: all but its value is right. */
    public boolean isLegal() {
        return this == CORRECT || this == WRONG_VALUE;
    }

    /** The score of a formula; what follows an equals sign does not count. */
    public static PointsScore of(String formula, List<Integer> numbers, int target) {
        String bare = PointsFormula.bare(formula);
        if (bare.isEmpty() || !PointsFormula.hasLegalCharacters(bare)) {
            return ILLEGAL;
        }
        PointsFormula.Read read = PointsFormula.read(bare);
        if (read == null) {
            return PointsCompletion.exists(bare, numbers, target) ? UNFINISHED : ILLEGAL;
        }
        if (!read.numbers().stream().sorted().toList().equals(numbers.stream().sorted().toList())) {
            return WRONG_NUMBERS;
        }
        return read.value() != null && read.value().is(target) ? CORRECT : WRONG_VALUE;
    }
}
