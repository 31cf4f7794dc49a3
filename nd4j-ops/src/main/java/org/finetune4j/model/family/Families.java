package org.finetune4j.model.family;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/** All families that are known. */
public final class Families {
    private static final List<Family> ALL = List.of(new Llama(), new SmolLm3(), new Mistral(), new Qwen2(), new Qwen3(),
            new Gemma(), new Gemma2(), new Gemma3(), new Phi3(), new Gpt2(), new GptNeoX(), new Olmo2(), new Mixtral(),
            new Qwen2Moe(), new Qwen3Moe(), new Bert(), new Roberta());

    private Families() {
    }

    /** All of them. */
    public static List<Family> all() {
        return ALL;
    }

    /**
     * The family that a configuration names: by its {@code architectures}, or where it has none by its {@code model_type}.
     *
     * @throws IllegalArgumentException when it is unknown; the message lists those that are known
     */
    public static Family of(ConfigFields config) {
        List<String> architectures = config.texts("architectures");
        if (architectures != null && !architectures.isEmpty()) {
            return named("architectures", architectures.get(0), Family::architectures);
        }
        if (!config.has("model_type")) {
            throw unknown("it names neither architectures nor model_type", Family::modelTypes);
        }
        return named("model_type", config.text("model_type", ""), Family::modelTypes);
    }

    /** The family whose name, the first of its model types, is this. */
    public static Family called(String name) {
        return ALL.stream().filter(family -> family.modelTypes().get(0).equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no family is called '" + name + "'"));
    }

    private static Family named(String field, String name, Function<Family, List<String>> names) {
        return ALL.stream().filter(family -> names.apply(family).contains(name)).findFirst()
                .orElseThrow(() -> unknown(field + " says '" + name + "'", names));
    }

    private static ConfigProblem unknown(String found, Function<Family, List<String>> names) {
        List<String> known = new ArrayList<>();
        ALL.forEach(family -> known.addAll(names.apply(family)));
        known.sort(Comparator.naturalOrder());
        return new ConfigProblem(found + ", known are " + String.join(", ", known), "Choose a model of one of these families");
    }
}
