package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parts of a forward pass whose inner values are not kept for the reverse pass but computed again where it reads them
 * (arXiv 1604.06174).
 *
 * <p>Part {@code i} is every operation after the one that makes boundary {@code i}, up to the one that makes boundary
 * {@code i + 1}. Values that another part or a later forward operation reads are kept. An operation computes the same
 * bits the second time, dropout included, whose mask depends on its seed and site alone; only what the reverse pass
 * reads is computed again, so a part that leads to nothing that trains costs nothing.
 *
 * @param boundaries variables between the parts in the order in which they are made, and behind the last part
 * @param cheap      whether in all parts what is {@link OwnOp#cheap()} is computed again, such as norms
 * @param parts      how many parts, from the first on, are computed again whole, at most {@code boundaries.size() - 1}
 */
public record Recomputation(List<String> boundaries, boolean cheap, int parts) implements ScheduleRewrite {
    /** Keeps everything. */
    public static final Recomputation NONE = new Recomputation(List.of(), false, 0);

    private static final String AGAIN = "@again";

    /** Refuses more parts than there are. */
    public Recomputation {
        if (parts < 0 || parts > Math.max(0, boundaries.size() - 1)) {
            throw new IllegalArgumentException(parts + " parts to recompute, but there are "
                    + Math.max(0, boundaries.size() - 1));
        }
        boundaries = List.copyOf(boundaries);
    }

    /** The schedule in which the reverse pass reads recomputed values. */
    @Override
    public List<Graph.Node> apply(List<Graph.Node> schedule, Set<String> kept) {
        return parts == 0 && !cheap ? schedule : new Rewriting(schedule).done();
    }

    /** The variable whose value one of a rewritten schedule has: itself, unless it is computed again. */
    static String original(String name) {
        return name.endsWith(AGAIN) ? name.substring(0, name.length() - AGAIN.length()) : name;
    }

    /** One rewriting of a schedule. */
    private final class Rewriting {
        private final List<Graph.Node> schedule;
        private final Map<String, Integer> madeAt = new HashMap<>();
        private final int[] partOf;
        private final int forwardEnd;
        private final Set<String> kept = new HashSet<>();
        private final List<Graph.Node> result = new ArrayList<>();
        private final Map<String, String> copies = new HashMap<>();

        Rewriting(List<Graph.Node> schedule) {
            this.schedule = schedule;
            for (int i = 0; i < schedule.size(); i++) {
                for (String name : schedule.get(i).outputs()) {
                    madeAt.put(name, i);
                }
            }
            partOf = new int[schedule.size()];
            forwardEnd = place(boundaries.get(boundaries.size() - 1));
            int part = -1;
            for (int i = 0; i < schedule.size(); i++) {
                while (part < parts && place(boundaries.get(part + 1)) < i) {
                    part++;
                }
                partOf[i] = part < parts ? part : -1;
            }
            kept.addAll(boundaries);
            for (int i = 0; i <= forwardEnd; i++) {
                for (String name : schedule.get(i).inputs()) {
                    int maker = place(name);
                    if (maker >= 0 && partOf[maker] != partOf[i]) {
                        kept.add(name);
                    }
                }
            }
        }

        /** Where a variable is made, or -1 for a leaf. */
        private int place(String name) {
            return madeAt.getOrDefault(name, -1);
        }

        List<Graph.Node> done() {
            for (int i = 0; i < schedule.size(); i++) {
                Graph.Node node = schedule.get(i);
                result.add(i <= forwardEnd ? node : reading(node, node.outputs()));
            }
            return result;
        }

        /** A node that reads recomputed values, which are made first where they are not there yet. */
        private Graph.Node reading(Graph.Node node, List<String> outputs) {
            return new Graph.Node(node.operation(), node.inputs().stream().map(this::recomputed).toList(), outputs);
        }

        private String recomputed(String name) {
            int maker = place(name);
            if (maker < 0 || maker > forwardEnd || kept.contains(name) || !(partOf[maker] >= 0
                    || cheap && schedule.get(maker).operation() instanceof OwnOp own && own.cheap())) {
                return name;
            }
            @Nullable String known = copies.get(name);
            if (known != null) {
                return known;
            }
            Graph.Node node = schedule.get(maker);
            result.add(reading(node, node.outputs().stream().map(output -> output + AGAIN).toList()));
            node.outputs().forEach(output -> copies.put(output, output + AGAIN));
            return name + AGAIN;
        }
    }
}
