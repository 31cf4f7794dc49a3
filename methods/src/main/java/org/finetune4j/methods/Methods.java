package org.finetune4j.methods;

import java.util.List;
import java.util.Locale;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.adapt.Dora;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.adapt.SavedAdapter;
import org.finetune4j.methods.data.AnswerTemplate;
import org.finetune4j.methods.data.Biographies;
import org.finetune4j.methods.data.BudgetSplit;
import org.finetune4j.methods.data.ChunkInterleaved;
import org.finetune4j.methods.data.Diversified;
import org.finetune4j.methods.data.DropSteps;
import org.finetune4j.methods.data.EntityRelations;
import org.finetune4j.methods.data.FigletRiddles;
import org.finetune4j.methods.data.FormalStatements;
import org.finetune4j.methods.data.GeneralPoints;
import org.finetune4j.methods.data.NameDescriptions;
import org.finetune4j.methods.data.Needle;
import org.finetune4j.methods.data.OverlapSplit;
import org.finetune4j.methods.data.PerGroupSubset;
import org.finetune4j.methods.data.Sokoban;
import org.finetune4j.methods.data.SyntheticTables;
import org.finetune4j.methods.data.ToolTrajectories;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.DftDynamic;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.BranchFilter;
import org.finetune4j.methods.select.Grape;

/** The catalogue of methods: a new method is one file and one line here. */
public final class Methods {
    private static final List<Method<? extends Fragment>> ALL = List.of(
            Sokoban.METHOD,
            GeneralPoints.METHOD,
            Diversified.METHOD,
            DropSteps.METHOD,
            OverlapSplit.METHOD,
            BudgetSplit.METHOD,
            FormalStatements.METHOD,
            ChunkInterleaved.METHOD,
            SyntheticTables.METHOD,
            Needle.METHOD,
            PerGroupSubset.METHOD,
            AnswerTemplate.METHOD,
            ToolTrajectories.METHOD,
            FigletRiddles.METHOD,
            NameDescriptions.METHOD,
            Biographies.METHOD,
            EntityRelations.METHOD,
            Sft.METHOD,
            DftDynamic.METHOD,
            Asft.METHOD,
            Grape.METHOD,
            BranchFilter.METHOD,
            Lora.METHOD,
            Dora.METHOD,
            SavedAdapter.METHOD,
            ExactMatch.METHOD,
            Policy.METHOD,
            LocalModel.METHOD);

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
