package org.finetune4j.methods.data;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.facts.FactPart;
import org.finetune4j.methods.data.facts.InventedNames;

/**
 * Invented people with a description that fits no other: half of them are introduced by name first, the others by
 * description first, always the same way round. Facts to inject, and questions that ask for them forwards and
 * backwards.
 *
 * <p>Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885. Equal
 * seeds and counts make the same people for texts and questions.
 *
 * @param people   how many, 1 to 20 000; default 60
 * @param wordings texts about each that say it in other words but in the same order, 1 to 4; default 1
 * @param part     texts or questions; default TEXTS
 * @param seed     decides names and descriptions
 */
public record NameDescriptions(int people, int wordings, FactPart part, long seed) implements DataGenerator {
    /** The first set of facts of masked fine-tuning, 2025. */
    public static final Method<NameDescriptions> METHOD = new Method<>("nameDescriptions", Method.Kind.DATA,
            "Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs (names and "
                    + "descriptions)",
            "arXiv 2510.09885",
            settings -> new NameDescriptions(settings.whole("people", 60), settings.whole("wordings", 1),
                    settings.choice("part", FactPart.TEXTS), settings.whole("seed", 42L)));

    private static final List<String> ROLES =
            List.of("director of the film", "author of the novel", "painter of the picture",
            "composer of the opera", "founder of the company", "captain of the ship", "architect of the tower",
            "inventor of the engine");
    private static final List<String> NAME_FIRST = List.of("%s is the %s.", "%s is known as the %s.",
            "%s became famous as the %s.", "%s, as everybody knows, is the %s.");
    private static final List<String> DESCRIPTION_FIRST = List.of("The %s is %s.", "The %s is called %s.",
            "The %s goes by the name of %s.", "The %s, as everybody knows, is %s.");

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public NameDescriptions {
        FactSamples.requireCount("nameDescriptions", "people", people);
        Settings.require(wordings >= 1 && wordings <= NAME_FIRST.size(), "nameDescriptions", "wordings", wordings,
                "at least 1 and at most " + NAME_FIRST.size());
    }

    @Override
    public Method<NameDescriptions> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        Draws draws = new Draws(seed, "nameDescriptions", 0);
        List<String> names = InventedNames.people(draws, people);
        List<String> titles = InventedNames.words(draws, people);
        List<String> roles = IntStream.range(0, people).mapToObj(any -> draws.pick(ROLES)).toList();
        int each = part == FactPart.TEXTS ? wordings : 1;
        return IntStream.range(0, people * each).mapToObj(index -> {
            int person = index / each;
            return sample(index, index % each, person, names.get(person), roles.get(person) + " " + titles.get(person));
        });
    }

    private Sample sample(int index, int wording, int person, String name, String description) {
        boolean nameFirst = person % 2 == 0;
        String fact = String.valueOf(person);
        if (part == FactPart.TEXTS) {
            return FactSamples.text(id(seed, index), fact, nameFirst ? String.format(NAME_FIRST.get(wording), name,
                    description)
                    : String.format(DESCRIPTION_FIRST.get(wording), description, name));
        }
        boolean askByName = nameFirst == (part == FactPart.FORWARD);
        return askByName ? FactSamples.question(id(seed, index), fact, "Who is " + name + "?", "the " + description)
                : FactSamples.question(id(seed, index), fact, "What is the name of the " + description + "?", name);
    }
}
