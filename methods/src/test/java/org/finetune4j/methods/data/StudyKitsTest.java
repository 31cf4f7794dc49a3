package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.data.facts.FactPart;
import org.finetune4j.methods.data.riddle.BlockFont;
import org.finetune4j.methods.data.riddle.CapabilityProbe;
import org.junit.jupiter.api.Test;

/** The sets of the cards prob-objectives and masked-ft. */
class StudyKitsTest {
    private static String column(String drawing, int letter) {
        return Arrays.stream(drawing.split("\n")).map(line -> line.substring(6 * letter, 6 * letter + 5))
                .collect(Collectors.joining(" "));
    }

    @Test
    void riddlesAreReadLetterByLetter() {
        Map<String, Character> letters = new HashMap<>();
        for (char letter = 'A'; letter <= 'Z'; letter++) {
            letters.put(column(BlockFont.draw(String.valueOf(letter)), 0), letter);
        }
        assertEquals(26, letters.size(), "no two letters look alike");
        assertEquals(".###.\n#...#\n#####\n#...#\n#...#", BlockFont.draw("A"));
        assertThrows(FinetuneException.class, () -> BlockFont.draw("a"));
        List<Sample> riddles = new FigletRiddles(300, 3, 7, 4).of().samples();
        Set<Integer> lengths = new HashSet<>();
        for (Sample riddle : riddles) {
            String prompt = riddle.prompt().get(0).text();
            String drawing = prompt.substring(prompt.indexOf('\n') + 1);
            assertEquals(5, drawing.lines().count());
            String word = IntStream.range(0, (drawing.indexOf('\n') + 1) / 6)
                    .mapToObj(i -> String.valueOf(letters.get(column(drawing, i)))).collect(Collectors.joining());
            assertEquals(word, riddle.response());
            lengths.add(word.length());
        }
        assertEquals(Set.of(3, 4, 5, 6, 7), lengths);
        assertEquals(riddles, new FigletRiddles(300, 3, 7, 4).of().samples());
        assertThrows(FinetuneException.class, () -> new FigletRiddles(1, 4, 3, 0));
    }

    private static CapabilityProbe probe(double... probabilities) {
        float[] logarithms = new float[probabilities.length];
        for (int i = 0; i < probabilities.length; i++) {
            logarithms[i] = (float) Math.log(probabilities[i]);
        }
        return CapabilityProbe.of(List.of(logarithms, new float[0]));
    }

    @Test
    void theProbeAdvisesByTheMeanProbability() {
        assertEquals(CapabilityProbe.Advice.PRIOR_LEANING, probe(0.9, 0.7, 0.74).advice());
        assertEquals(0.78, probe(0.9, 0.7, 0.74).probability(), 1e-6);
        assertEquals(CapabilityProbe.Advice.LOG_LIKELIHOOD, probe(0.01, 0.02).advice());
        assertEquals(CapabilityProbe.Advice.TRY_BOTH, probe(0.5, 0.5).advice(), "0.5 is not above 0.5");
        assertEquals(CapabilityProbe.Advice.TRY_BOTH, new CapabilityProbe(10, 0.1).advice());
        assertTrue(probe(0.01).words().startsWith("the model gives its response tokens a probability of 0.01: "));
        assertThrows(FinetuneException.class, () -> CapabilityProbe.of(List.of()));
    }

    private static String text(Sample sample) {
        return Objects.requireNonNull(sample.fields().get(Sample.DOCUMENT));
    }

    private static String fact(Sample sample) {
        return Objects.requireNonNull(sample.fields().get("fact"));
    }

    @Test
    void peopleAreIntroducedOneWayAndAskedForBothWays() {
        List<Sample> texts = new NameDescriptions(60, 3, FactPart.TEXTS, 2).of().samples();
        assertEquals(180, texts.stream().map(StudyKitsTest::text).distinct().count());
        List<Sample> forward = new NameDescriptions(60, 3, FactPart.FORWARD, 2).of().samples();
        List<Sample> backward = new NameDescriptions(60, 3, FactPart.BACKWARD, 2).of().samples();
        for (int i = 0; i < 60; i++) {
            Sample to = forward.get(i);
            Sample from = backward.get(i);
            String name = i % 2 == 0 ? from.response() : to.response();
            String description = i % 2 == 0 ? to.response() : from.response();
            for (Sample text : texts.subList(3 * i, 3 * i + 3)) {
                assertEquals(fact(to), fact(text));
                String words = text(text).replace("The ", "the ");
                boolean nameFirst = words.indexOf(name) < words.indexOf(description) && words.contains(name);
                assertTrue(words.contains(Objects.requireNonNull(name))
                        && words.contains(Objects.requireNonNull(description)), words);
                assertEquals(i % 2 == 0, nameFirst, words);
            }
        }
        assertEquals(60, new HashSet<>(forward.stream().map(Sample::prompt).toList()).size());
        assertTrue(texts.stream().noneMatch(text -> text(text).contains("?")));
        assertThrows(FinetuneException.class, () -> new NameDescriptions(1, 5, FactPart.TEXTS, 0));
    }

    @Test
    void livesHaveSixAttributesAndABirthdayOfTheirOwn() {
        List<Sample> lives = new Biographies(50, FactPart.TEXTS, 1).of().samples();
        List<Sample> forward = new Biographies(50, FactPart.FORWARD, 1).of().samples();
        List<Sample> backward = new Biographies(50, FactPart.BACKWARD, 1).of().samples();
        assertEquals(300, forward.size());
        assertEquals(50, backward.stream().map(Sample::prompt).distinct().count());
        for (Sample question : forward) {
            String life = text(lives.get(Integer.parseInt(fact(question))));
            assertTrue(life.contains(Objects.requireNonNull(question.response())), life + question.response());
            assertEquals(6, life.split("\\. ").length);
        }
        for (int i = 0; i < 50; i++) {
            String birthday = forward.get(6 * i).response();
            assertEquals("Who was born on " + birthday + "?", backward.get(i).prompt().get(0).text());
            assertTrue(text(lives.get(i)).startsWith(backward.get(i).response() + " was born on " + birthday + "."));
        }
    }

    @Test
    void someRelationsAreSaidOneWayOnlyAndAskedBothWays() {
        List<String> texts = new EntityRelations(100, 0.2, FactPart.TEXTS, 5).of().samples().stream()
                .map(StudyKitsTest::text)
                .toList();
        assertEquals(180, texts.size());
        assertEquals(180, new HashSet<>(texts).size());
        List<Sample> forward = new EntityRelations(100, 0.2, FactPart.FORWARD, 5).of().samples();
        List<Sample> backward = new EntityRelations(100, 0.2, FactPart.BACKWARD, 5).of().samples();
        assertEquals(20, forward.size());
        for (int i = 0; i < 20; i++) {
            String upper = Objects.requireNonNull(backward.get(i).response());
            String lower = Objects.requireNonNull(forward.get(i).response());
            assertTrue(texts.contains(upper + " stands above " + lower + "."));
            assertFalse(texts.contains(lower + " stands below " + upper + "."), "never said the other way round");
            assertEquals("What does " + lower + " stand below?", backward.get(i).prompt().get(0).text());
            assertEquals("What does " + upper + " stand above?", forward.get(i).prompt().get(0).text());
        }
        assertEquals(80, texts.stream().filter(text -> text.contains(" below ")).count());
        for (String text : texts.stream().filter(one -> one.contains(" below ")).toList()) {
            String[] names = text.replace(".", "").split(" stands below ");
            assertTrue(texts.contains(names[1] + " stands above " + names[0] + "."));
        }
        assertThrows(FinetuneException.class, () -> new EntityRelations(10, 0, FactPart.TEXTS, 0));
    }
}
