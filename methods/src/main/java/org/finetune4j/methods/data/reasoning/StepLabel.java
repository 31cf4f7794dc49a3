package org.finetune4j.methods.data.reasoning;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;

/** What a step of reasoning does. */
public enum StepLabel {
    /** Opens a new line of attack. */
    PROPOSE,
    /** Follows from what came before. */
    DEDUCE,
    /** Checks what came before. */
    VERIFY,
    /** Anything else. */
    OTHER;

    /**
     * How steps follow one another.
     *
     * @param shares      the share of each label among all steps; labels that do not occur have 0
     * @param transitions of the steps with the first label that are followed by another step, the share followed by the
     *                    second; labels that nothing follows have no entry
     */
    public record Pattern(Map<StepLabel, Double> shares, Map<StepLabel, Map<StepLabel, Double>> transitions) {
        /** The share of steps labelled {@code from} that are followed by {@code to}; 0 where nothing follows. */
        public double transition(StepLabel from, StepLabel to) {
            return transitions.getOrDefault(from, Map.of()).getOrDefault(to, 0.0);
        }
    }

    /**
     * The shares and transitions of trajectories, counted over all of them; nothing follows the last step of one.
     *
     * @throws FinetuneException when there is no step
     */
    public static Pattern pattern(List<List<StepLabel>> trajectories) {
        int[] counts = new int[values().length];
        int[][] pairs = new int[counts.length][counts.length];
        int steps = 0;
        for (List<StepLabel> trajectory : trajectories) {
            for (int i = 0; i < trajectory.size(); i++, steps++) {
                counts[trajectory.get(i).ordinal()]++;
                if (i > 0) {
                    pairs[trajectory.get(i - 1).ordinal()][trajectory.get(i).ordinal()]++;
                }
            }
        }
        if (steps == 0) {
            throw new FinetuneException("there is no step of reasoning to count. Give trajectories with labelled "
                    + "steps.");
        }
        Map<StepLabel, Double> shares = new EnumMap<>(StepLabel.class);
        Map<StepLabel, Map<StepLabel, Double>> transitions = new EnumMap<>(StepLabel.class);
        for (StepLabel from : values()) {
            shares.put(from, (double) counts[from.ordinal()] / steps);
            int followed = Arrays.stream(pairs[from.ordinal()]).sum();
            Map<StepLabel, Double> next = new EnumMap<>(StepLabel.class);
            for (StepLabel to : values()) {
                if (followed > 0) {
                    next.put(to, (double) pairs[from.ordinal()][to.ordinal()] / followed);
                }
            }
            if (followed > 0) {
                transitions.put(from, next);
            }
        }
        return new Pattern(shares, transitions);
    }
}
