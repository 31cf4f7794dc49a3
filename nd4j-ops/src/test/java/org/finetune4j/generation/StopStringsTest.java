package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
    /** Where the text is cut, worked out from the whole of it. */
    private static int cut(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            int start = Integer.MAX_VALUE;
            for (String stop : stops) {
                start = text.substring(0, end).endsWith(stop) ? Math.min(start, end - stop.length()) : start;
            }
            if (start < Integer.MAX_VALUE) {
                return start;
            }
        }
        return text.length();
    }

    @Test
    void thePiecesDoNotMatter() {
        Random random = new Random(8);
        List<List<String>> all = List.of(List.of("aab"), List.of("ab", "abb"), List.of("aba", "bab", "c"),
                List.of("aaaa", "b"),
                List.of("abcab", "ca"), List.of("\n\n", "a\nb"), List.of());
        int stopped = 0;
        for (int i = 0; i < 3000; i++) {
            List<String> wanted = all.get(i % all.size());
            StringBuilder text = new StringBuilder();
            random.ints(1 + random.nextInt(20), 0, 4).forEach(c -> text.append("abc\n".charAt(c)));
            StopStrings stops = new StopStrings(wanted);
            StringBuilder told = new StringBuilder();
            for (int at = 0; at < text.length() && !stops.stopped();) {
                int to = Math.min(text.length(), at + 1 + random.nextInt(4));
                told.append(stops.append(text.substring(at, to)));
                // What is told is never taken back.
                assertTrue(text.toString().startsWith(told.toString()) && told.length() <= cut(text.toString(), wanted));
                at = to;
            }
            assertEquals(cut(text.toString(), wanted) < text.length(), stops.stopped());
            assertEquals(text.substring(0, cut(text.toString(), wanted)), told + stops.finish(), text + " and " + wanted);
            stopped += stops.stopped() ? 1 : 0;
        }
        assertTrue(stopped > 500 && stopped < 2800, stopped + " stopped");
    }

    @Test
    void nothingIsHeldBackThatCannotBecomeAStop() {
        StopStrings stops = new StopStrings(List.of("\n\nUser:"));
        assertEquals("Hello", stops.append("Hello"));
        assertEquals("", stops.append("\n"));
        assertEquals("\nworld", stops.append("world"));
        assertEquals("!", stops.append("!\n\nUs"));
        assertEquals("\n\nUs", stops.finish());
    }
}
