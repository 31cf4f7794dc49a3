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
 * Pairs of invented things of which one stands above the other. Texts say most pairs both ways round, and some of them
 * one way only: about these the questions ask, the way they were said and the other way round.
 *
 * <p>Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885. Equal
 * seeds and counts make the same pairs for texts and questions; nothing stands in two pairs.
 *
 * @param pairs  how many, 1 to 20 000; default 200
 * @param oneWay share of pairs that are said one way only, above 0 and at most 1; default 0.2
 * @param part   texts or questions; default TEXTS
 * @param seed   decides the names
 */
public record EntityRelations(int pairs, double oneWay, FactPart part, long seed) implements DataGenerator {
    /** The third set of facts of masked fine-tuning, 2025. */
    public static final Method<EntityRelations> METHOD = new Method<>("entityRelations", Method.Kind.DATA,
            "Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs (relations)",
            "arXiv 2510.09885", settings -> new EntityRelations(settings.whole("pairs", 200),
            settings.number("oneWay", 0.2),
                    settings.choice("part", FactPart.TEXTS), settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public EntityRelations {
        FactSamples.requireCount("entityRelations", "pairs", pairs);
        Settings.require(oneWay > 0 && oneWay <= 1, "entityRelations", "oneWay", oneWay, "above 0 and at most 1");
    }

    @Override
    public Method<EntityRelations> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        List<String> names = InventedNames.words(new Draws(seed, "entityRelations", 0), 2 * pairs);
        int said = Math.max(1, (int) Math.round(oneWay * pairs));
        int texts = 2 * pairs - said;
        return IntStream.range(0, part == FactPart.TEXTS ? texts : said).mapToObj(index -> {
            // The pairs said one way come first, then the first sentences of the others, then their second ones.
            int pair = index < pairs ? index : index - pairs + said;
            return sample(index, pair, names.get(2 * pair), names.get(2 * pair + 1));
        });
    }

    private Sample sample(int index, int pair, String upper, String lower) {
        String fact = String.valueOf(pair);
        return switch (part) {
            case TEXTS -> FactSamples.text(id(seed, index), fact, index < pairs ? upper + " stands above " + lower + "."
                    : lower + " stands below " + upper + ".");
            case FORWARD -> FactSamples.question(id(seed, index), fact, "What does " + upper + " stand above?", lower);
            case BACKWARD -> FactSamples.question(id(seed, index), fact, "What does " + lower + " stand below?", upper);
        };
    }
}
