package org.finetune4j.methods;

import java.util.List;
import java.util.Locale;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.adapt.Dora;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.adapt.SavedAdapter;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.OpenAi;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.LlmJudge;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.DftDynamic;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.methods.select.S3ft;
import org.finetune4j.methods.select.Ssr;

/** The catalogue of methods: a new method is one file and one line here. */
public final class Methods {
    private static final List<Method<? extends Fragment>> ALL = List.of(
            Sft.METHOD,
            DftDynamic.METHOD,
            Asft.METHOD,
            Grape.METHOD,
            S3ft.METHOD,
            Ssr.METHOD,
            Lora.METHOD,
            Dora.METHOD,
            SavedAdapter.METHOD,
            ExactMatch.METHOD,
            Policy.METHOD,
            LocalModel.METHOD,
            OpenAi.METHOD,
            ExactAnswer.METHOD,
            LlmJudge.METHOD,
            CodeTests.METHOD);

    private Methods() {
    }

    /** Every method, by kind and then in the order in which they came. */
    public static List<Method<? extends Fragment>> all() {
        return ALL;
    }

    /**
     * The method of this kind and name.
     *
     * @throws FinetuneException when there is none; it lists those there are and the nearest to a mistyped name
     */
    public static Method<? extends Fragment> named(Method.Kind kind, String name) {
        for (Method<? extends Fragment> method : ALL) {
            if (method.kind() == kind && method.name().equals(name)) {
                return method;
            }
        }
        String use = kind.name().toLowerCase(Locale.ROOT);
        List<String> known = ALL.stream().filter(method -> method.kind() == kind).map(Method::name).toList();
        String elsewhere = ALL.stream().filter(method -> method.name().equals(name)).findFirst()
                .map(method -> " It belongs in " + method.kind().name().toLowerCase(Locale.ROOT) + "(...).").orElse("");
        throw new FinetuneException("there is no method '" + name + "' for " + use + "(...); there are "
                + String.join(", ", known) + "."
                + (elsewhere.isEmpty() ? Nearest.proposal(name, known) : elsewhere));
    }
}
