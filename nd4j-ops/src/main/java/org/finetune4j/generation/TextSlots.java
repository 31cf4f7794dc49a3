package org.finetune4j.generation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.finetune4j.model.DecodingEngine;

/**
 * Gives texts their slots in an engine's cache: a text that waits takes the place of one that has ended, and the cache
 * has as many places as its texts need by now. It never takes more than the limit, except for a text alone.
 */
final class TextSlots {
    private static final int PLACE_MULTIPLE = 64;

    private final DecodingEngine engine;
    private final GenerationLimits limits;
    private final Deque<Text> waiting;
    private final List<Text> active = new ArrayList<>();

    /** Slots for texts, which are taken in this order. */
    TextSlots(DecodingEngine engine, GenerationLimits limits, List<Text> texts) {
        this.engine = engine;
        this.limits = limits;
        this.waiting = new ArrayDeque<>(texts);
    }

    /** Texts that have a slot, by ascending slot. */
    List<Text> active() {
        return List.copyOf(active);
    }

    boolean isEmpty() {
        return active.isEmpty() && waiting.isEmpty();
    }

    /** Frees the slot of a text that has ended. */
    void end(Text text) {
        active.remove(text);
    }

    /** Lets texts in while there is room, and makes the cache large enough for what all of them hold next. */
    void fill() {
        int before = active.size();
        while (!waiting.isEmpty() && fits(waiting.peek())) {
            active.add(waiting.remove());
        }
        int places = active.stream().mapToInt(Text::places).max().orElse(0);
        if (active.size() > engine.slots() || places > engine.places()
                || bytes(engine.slots(), engine.places()) > limit()) {
            grow(before, places);
        } else {
            boolean[] taken = new boolean[engine.slots()];
            active.subList(0, before).forEach(text -> taken[text.slot()] = true);
            int slot = 0;
            for (Text text : active.subList(before, active.size())) {
                while (taken[slot]) {
                    slot++;
                }
                engine.clear(slot);
                text.moveTo(slot++);
            }
        }
        active.sort(Comparator.comparingInt(Text::slot));
    }

    /** Whether the text may join: with every text as long as it may get, the cache stays within its limit. */
    private boolean fits(Text text) {
        int most = Math.max(text.mostPlaces(), mostPlaces());
        return active.isEmpty() || active.size() < limits.texts() && bytes(active.size() + 1, most) <= limits.cacheBytes();
    }

    private int mostPlaces() {
        return active.stream().mapToInt(Text::mostPlaces).max().orElse(0);
    }

    private void grow(int before, int needed) {
        int most = mostPlaces();
        // Half as much again, so that growing text by text copies little.
        int wanted = needed > engine.places() ? Math.max(needed, engine.places() * 3 / 2) : engine.places();
        int places = Math.min(most, (wanted + PLACE_MULTIPLE - 1) / PLACE_MULTIPLE * PLACE_MULTIPLE);
        int room = (int) Math.min(limits.texts(), limits.cacheBytes() / bytes(1, places));
        int slots = Math.max(active.size(), Math.min(room, active.size() + waiting.size()));
        int[] from = new int[slots];
        Arrays.fill(from, DecodingEngine.EMPTY);
        for (int slot = 0; slot < active.size(); slot++) {
            Text text = active.get(slot);
            from[slot] = slot < before ? text.slot() : DecodingEngine.EMPTY;
            text.moveTo(slot);
        }
        engine.arrange(from, places);
    }

    private long limit() {
        return Math.max(limits.cacheBytes(), bytes(1, mostPlaces()));
    }

    private long bytes(int slots, int places) {
        return (long) slots * places * engine.bytesPerPlace();
    }
}
