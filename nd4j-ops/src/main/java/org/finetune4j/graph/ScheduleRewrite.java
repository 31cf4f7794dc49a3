package org.finetune4j.graph;

import java.util.List;
import java.util.Set;

/** Turns a schedule into another that computes the same values, such as one in which operations are fused. */
@FunctionalInterface
public interface ScheduleRewrite {
    /** Leaves the schedule as it is. */
    ScheduleRewrite NONE = (schedule, kept) -> schedule;

    /**
     * The new schedule.
     *
     * @param schedule operations, each after those whose results it reads
     * @param kept     variables that must be made whether or not an operation of the schedule reads them
     */
    List<Graph.Node> apply(List<Graph.Node> schedule, Set<String> kept);

    /** First this rewrite, then another. */
    default ScheduleRewrite then(ScheduleRewrite next) {
        return (schedule, kept) -> next.apply(apply(schedule, kept), kept);
    }
}
