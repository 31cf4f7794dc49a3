package org.finetune4j.generation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.finetune4j.model.DecodingEngine;
import org.jspecify.annotations.Nullable;

/**
 * Gives texts their slots in an engine's cache: a text that waits takes the place of one that has ended, and the cache
 * has as many places as its texts need by now, and never takes more than the limit. Texts of one request share what was
 * read of their prompt: it is read once, and its keys and values are copied.
 */
final class TextSlots {
    private static final int PLACE_MULTIPLE = 64;

    private final DecodingEngine engine;
    private final GenerationLimits limits;
    private final Deque<Text> waiting;
    private final List<Text> active = new ArrayList<>();
    /** The last text of each slot, whose keys and values are there as long as nobody else writes to it. */
    private @Nullable Text[] occupants;

    /** Slots for texts, which are taken in this order. */
    TextSlots(DecodingEngine engine, GenerationLimits limits, List<Text> texts) {
        this.engine = engine;
        this.limits = limits;
        this.waiting = new ArrayDeque<>(texts);
        this.occupants = new Text[engine.slots()];
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

    /** Empties all slots, and returns the texts that had one or waited for one. */
    List<Text> endAll() {
        List<Text> all = new ArrayList<>(active);
        all.addAll(waiting);
        active.clear();
        waiting.clear();
        return all;
    }

    /** Lets texts in while there is room, and makes the cache large enough for what all of them hold next. */
    void fill() {
        int before = active.size();
        while (!waiting.isEmpty() && fits(waiting.peek()) && !siblingReads(waiting.peek())) {
            active.add(waiting.remove());
        }
        int places = active.stream().mapToInt(Text::places).max().orElse(0);
        if (active.size() > engine.slots() || places > engine.places()
                || bytes(engine.slots(), engine.places()) > limits.cacheBytes()) {
            grow(before, places);
        } else {
            boolean[] taken = new boolean[engine.slots()];
            active.subList(0, before).forEach(text -> taken[text.slot()] = true);
            for (Text text : active.subList(before, active.size())) {
                text.moveTo(freeSlot(text, taken));
                taken[text.slot()] = true;
            }
        }
        active.subList(before, active.size()).forEach(this::takeOver);
        active.sort(Comparator.comparingInt(Text::slot));
    }

    /** Whether the keys of the other's prompt are those of the text's, whose last token is read again. */
    private boolean shares(Text other, Text text) {
        return other.sharesPrompt(text) && engine.turnsAlike(text.promptTokens() - 1, text.promptTokens());
    }

    /** Whether a text that must wait for it is still reading the same prompt. */
    private boolean siblingReads(Text text) {
        List<Text> siblings = active.stream().filter(other -> shares(other, text)).toList();
        return !siblings.isEmpty() && siblings.stream().noneMatch(Text::hasPromptInCache);
    }

    /** The first slot that holds the same prompt already, or else the first one. */
    private int freeSlot(Text text, boolean[] taken) {
        int first = -1;
        for (int slot = 0; slot < taken.length; slot++) {
            if (!taken[slot]) {
                first = first < 0 ? slot : first;
                Text last = occupants[slot];
                if (last != null && shares(last, text) && last.hasPromptInCache()) {
                    return slot;
                }
            }
        }
        return first;
    }

    /** Begins a text in its slot with what is known of its prompt; the last token is read again for its logits. */
    private void takeOver(Text text) {
        int known = text.promptTokens() - 1;
        int source = -1;
        for (int slot = 0; slot < occupants.length && source < 0; slot++) {
            Text last = occupants[slot];
            source = last != null && shares(last, text) && last.hasPromptInCache() ? slot : source;
        }
        if (source < 0 || known == 0) {
            engine.clear(text.slot());
        } else {
            engine.copy(source, text.slot(), known);
            text.begin(known);
        }
        occupants[text.slot()] = text;
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
        occupants = new Text[slots];
        active.subList(0, before).forEach(text -> occupants[text.slot()] = text);
    }

    private long bytes(int slots, int places) {
        return (long) slots * places * engine.bytesPerPlace();
    }
}
