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
import org.finetune4j.methods.data.InContext;
import org.finetune4j.methods.data.NameDescriptions;
import org.finetune4j.methods.data.Needle;
import org.finetune4j.methods.data.OverlapSplit;
import org.finetune4j.methods.data.PerGroupSubset;
import org.finetune4j.methods.data.Sokoban;
import org.finetune4j.methods.data.SyntheticTables;
import org.finetune4j.methods.data.ToolTrajectories;
import org.finetune4j.methods.decode.BatchCalibration;
import org.finetune4j.methods.decode.ProposeAndAggregate;
import org.finetune4j.methods.decode.SelfEnsemble;
import org.finetune4j.methods.evaluate.BertScore;
import org.finetune4j.methods.evaluate.Bleu;
import org.finetune4j.methods.evaluate.Brier;
import org.finetune4j.methods.evaluate.BrierBinary;
import org.finetune4j.methods.evaluate.Calibration;
import org.finetune4j.methods.evaluate.ChoiceF1;
import org.finetune4j.methods.evaluate.ClassF1;
import org.finetune4j.methods.evaluate.DistinctN;
import org.finetune4j.methods.evaluate.Ead;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.evaluate.Forgetting;
import org.finetune4j.methods.evaluate.MultipleChoice;
import org.finetune4j.methods.evaluate.PassAtK;
import org.finetune4j.methods.evaluate.PerExit;
import org.finetune4j.methods.evaluate.Perplexity;
import org.finetune4j.methods.evaluate.Rouge;
import org.finetune4j.methods.evaluate.SelfBleu;
import org.finetune4j.methods.evaluate.SemanticSimilarity;
import org.finetune4j.methods.evaluate.TokenF1;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.OpenAi;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.LlmJudge;
import org.finetune4j.methods.judge.LlmRating;
import org.finetune4j.methods.judge.PuzzleAnswer;
import org.finetune4j.methods.judge.StepJudge;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.CurioSft;
import org.finetune4j.methods.objective.DftDynamic;
import org.finetune4j.methods.objective.Discriminative;
import org.finetune4j.methods.objective.FaultWeighted;
import org.finetune4j.methods.objective.Intuitive;
import org.finetune4j.methods.objective.KeyTokenSft;
import org.finetune4j.methods.objective.OneTokenRollout;
import org.finetune4j.methods.objective.Poft;
import org.finetune4j.methods.objective.Probability;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.objective.Sorted;
import org.finetune4j.methods.objective.Taught;
import org.finetune4j.methods.objective.Thresholded;
import org.finetune4j.methods.objective.Undesirable;
import org.finetune4j.methods.select.Aft;
import org.finetune4j.methods.select.BranchFilter;
import org.finetune4j.methods.select.Cft;
import org.finetune4j.methods.select.CotBySampling;
import org.finetune4j.methods.select.Demask;
import org.finetune4j.methods.select.EachEpoch;
import org.finetune4j.methods.select.FaultyVariants;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.methods.select.IracDistill;
import org.finetune4j.methods.select.Pika;
import org.finetune4j.methods.select.QTuning;
import org.finetune4j.methods.select.RifRft;
import org.finetune4j.methods.select.S3ft;
import org.finetune4j.methods.select.Ssr;
import org.finetune4j.methods.select.Stat;
import org.finetune4j.methods.select.Uds;

/** The catalogue of methods: a new method is one file and one line here. */
public final class Methods {
    private static final List<Method<? extends Fragment>> ALL = List.of(
            Sokoban.METHOD,
            GeneralPoints.METHOD,
            InContext.METHOD,
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
            Probability.METHOD,
            Thresholded.METHOD,
            OneTokenRollout.METHOD,
            CurioSft.METHOD,
            Intuitive.METHOD,
            Poft.METHOD,
            Discriminative.METHOD,
            FaultWeighted.METHOD,
            KeyTokenSft.METHOD,
            Undesirable.METHOD,
            Sorted.METHOD,
            Taught.METHOD,
            Grape.METHOD,
            S3ft.METHOD,
            Ssr.METHOD,
            BranchFilter.METHOD,
            CotBySampling.METHOD,
            IracDistill.METHOD,
            QTuning.METHOD,
            RifRft.METHOD,
            Stat.METHOD,
            Pika.METHOD,
            Cft.METHOD,
            Aft.METHOD,
            FaultyVariants.METHOD,
            EachEpoch.METHOD,
            Uds.METHOD,
            Demask.METHOD,
            Lora.METHOD,
            Dora.METHOD,
            SavedAdapter.METHOD,
            ExactMatch.METHOD,
            TokenF1.METHOD,
            ClassF1.METHOD,
            PassAtK.METHOD,
            Bleu.METHOD,
            Rouge.METHOD,
            Perplexity.METHOD,
            MultipleChoice.METHOD,
            ChoiceF1.METHOD,
            Brier.METHOD,
            BrierBinary.METHOD,
            Calibration.METHOD,
            SemanticSimilarity.METHOD,
            BertScore.METHOD,
            DistinctN.METHOD,
            Ead.METHOD,
            SelfBleu.METHOD,
            Forgetting.METHOD,
            PerExit.METHOD,
            SelfEnsemble.METHOD,
            BatchCalibration.METHOD,
            Policy.METHOD,
            LocalModel.METHOD,
            OpenAi.METHOD,
            ExactAnswer.METHOD,
            LlmJudge.METHOD,
            CodeTests.METHOD,
            StepJudge.METHOD,
            PuzzleAnswer.METHOD,
            LlmRating.METHOD,
            ProposeAndAggregate.METHOD);

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
