package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.data.facts.FactPart;
import org.finetune4j.methods.data.facts.InventedNames;

/**
 * Lives of invented people with six attributes: birthday, birthplace, school, subject, employer and place of work.
 * Every birthday is one person's alone, so that it can be asked backwards who was born on it.
 *
 * <p>Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885. Equal
 * seeds and counts make the same people for texts and questions; forwards there are six questions about each, backwards
 * one.
 *
 * @param people how many, 1 to 20 000; default 100
 * @param part   texts or questions; default TEXTS
 * @param seed   decides the lives
 */
public record Biographies(int people, FactPart part, long seed) implements DataGenerator {
    /** The second set of facts of masked fine-tuning, 2025. */
    public static final Method<Biographies> METHOD = new Method<>("biographies", Method.Kind.DATA,
            "Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs (biographies)",
            "arXiv 2510.09885", settings -> new Biographies(settings.whole("people", 100),
                    settings.choice("part", FactPart.TEXTS), settings.whole("seed", 42L)));

    private static final List<String> MONTHS = List.of("January", "February", "March", "April", "May", "June", "July",
            "August", "September", "October", "November", "December");
    private static final List<String> CITIES =
            List.of("Oslo", "Lima", "Rome", "Cairo", "Quito", "Delhi", "Accra", "Paris",
            "Tokyo", "Dakar", "Sofia", "Hanoi", "Minsk", "Tunis", "Amman", "Kyiv");
    private static final List<String> SUBJECTS = List.of("physics", "law", "history", "music", "botany", "geology",
            "medicine", "statistics", "philosophy", "chemistry");
    private static final List<String> STATEMENTS =
            List.of("%s was born on %s.", "%s grew up in %s.", "%s went to %s College.",
            "%s studied %s.", "%s works for %s Limited.", "%s has an office in %s.");
    private static final List<String> QUESTIONS = List.of("When was %s born?", "Where did %s grow up?",
            "Which college did %s go to?", "What did %s study?", "Which company does %s work for?",
            "Where is the office of %s?");
    private static final int DAYS = 28;
    private static final int FIRST_YEAR = 1900;
    private static final int YEARS = 120;

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Biographies {
        FactSamples.requireCount("biographies", "people", people);
    }

    @Override
    public Method<Biographies> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        Draws draws = new Draws(seed, "biographies", 0);
        List<String> names = InventedNames.people(draws, people);
        List<List<String>> lives = lives(draws);
        int each = part == FactPart.FORWARD ? STATEMENTS.size() : 1;
        return IntStream.range(0, people * each).mapToObj(index ->
                sample(index, index % each, index / each, names.get(index / each), lives.get(index / each)));
    }

    private List<List<String>> lives(Draws draws) {
        List<String> schools = InventedNames.words(draws, 40);
        List<String> companies = InventedNames.words(draws, 40);
        Set<String> birthdays = new LinkedHashSet<>();
        while (birthdays.size() < people) {
            birthdays.add(draws.between(1, DAYS) + " " + draws.pick(MONTHS) + " " + (FIRST_YEAR + draws.below(YEARS)));
        }
        List<List<String>> lives = new ArrayList<>();
        for (String birthday : birthdays) {
            lives.add(List.of(birthday, draws.pick(CITIES), draws.pick(schools), draws.pick(SUBJECTS),
                    draws.pick(companies),
                    draws.pick(CITIES)));
        }
        return lives;
    }

    private Sample sample(int index, int attribute, int person, String name, List<String> life) {
        String fact = String.valueOf(person);
        return switch (part) {
            case TEXTS -> FactSamples.text(id(seed, index), fact, String.join(" ", IntStream.range(0, life.size())
                    .mapToObj(i -> String.format(STATEMENTS.get(i), name, life.get(i))).toList()));
            case FORWARD -> FactSamples.question(id(seed, index), fact, String.format(QUESTIONS.get(attribute), name),
                    life.get(attribute));
            case BACKWARD -> FactSamples.question(id(seed, index), fact, "Who was born on " + life.get(0) + "?", name);
        };
    }
}
