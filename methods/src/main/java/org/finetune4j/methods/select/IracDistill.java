package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.exam.AnswerLayout;
import org.finetune4j.methods.data.exam.ExamItem;
import org.finetune4j.methods.data.exam.Explanation;
import org.finetune4j.methods.data.exam.IracDistillation;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;

/**
 * Has a teacher put the free explanation of each multiple-choice question into four fields, adding nothing, and trains
 * on answers laid out with them. Questions whose explanation the teacher does not bring into that form are left out.
 *
 * <p>A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state Bar Exam,
 * arXiv 2504.04945. Samples need the parts of {@link ExamItem#of} with the field {@code explanation}; the teacher is
 * asked as {@link IracDistillation} says, and answers are kept in the run's folder.
 *
 * @param teacher      restructures the explanations; default the model itself, before training
 * @param format       how fields are written; default JSON
 * @param order        whether the letter comes before or behind the explanation; default ANSWER_FIRST
 * @param temperature  of the teacher, at least 0; default 0.2
 * @param maxNewTokens longest answer of the teacher, at least 1; default 1024
 * @param seed         of the draws
 */
public record IracDistill(TextSource teacher, AnswerLayout.Format format, AnswerLayout.Order order, double temperature,
                          int maxNewTokens, long seed) implements Selector {
    /** The data synthesis of the bar-exam study, 2025. */
    public static final Method<IracDistill> METHOD = new Method<>("iracDistill", Method.Kind.SELECT,
            "A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state "
                    + "Bar Exam "
                    + "(distillation)", "arXiv 2504.04945",
            settings -> new IracDistill(
                    settings.fragment("teacher", Method.Kind.SOURCE, TextSource.class, new Policy()),
                    settings.choice("format", AnswerLayout.Format.JSON),
                    settings.choice("order", AnswerLayout.Order.ANSWER_FIRST),
                    settings.number("temperature", IracDistillation.TEMPERATURE),
                    settings.whole("maxNewTokens", IracDistillation.LONGEST), settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public IracDistill {
        new Decoding(temperature, 1, maxNewTokens).requireFor("iracDistill");
    }

    @Override
    public Method<IracDistill> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_TARGET);
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        try {
            samples.forEach(sample -> ExamItem.of(sample, false));
            return List.of();
        } catch (FinetuneException problem) {
            return List.of(String.valueOf(problem.getMessage()));
        }
    }

    @Override
    public List<TextWork> work(List<Sample> samples) {
        long tokens = samples.stream().mapToLong(sample -> TextWork.tokens(
                IracDistillation.conversation(ExamItem.of(sample, false), List.of()))).sum();
        return List.of(new TextWork(teacher, "structured explanations", samples.size(), tokens, maxNewTokens));
    }

    @Override
    public List<Sample> likely(List<Sample> samples) {
        AnswerLayout layout = new AnswerLayout(format, order, false);
        return samples.stream().map(sample -> layout.laidOut(sample, ExamItem.of(sample, false))).toList();
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        long own = CounterRandom.seed(seed, "iracDistill", 0);
        List<ExamItem> items = samples.stream().map(sample -> ExamItem.of(sample, false)).toList();
        List<TextAnswer> answers =
                context.answer(teacher, "restructure the explanations", IntStream.range(0, items.size())
                .mapToObj(i -> new TextRequest(samples.get(i).id(), IracDistillation.conversation(items.get(i),
                List.of()),
                        new Decoding(temperature, 1, maxNewTokens), CounterRandom.bits(own, i))).toList());
        AnswerLayout layout = new AnswerLayout(format, order, true);
        List<Sample> chosen = new ArrayList<>();
        List<String> failed = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            Explanation structured = IracDistillation.read(AnswerText.of(answers.get(i)));
            if (structured == null) {
                failed.add(samples.get(i).id());
            } else {
                chosen.add(layout.laidOut(samples.get(i), items.get(i).with(structured)));
            }
        }
        if (!failed.isEmpty()) {
            context.warned(failed.size() + " of " + items.size() + " explanations, such as that of " + failed.get(0)
                    + ", were not brought into the four fields and are left out.");
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("questions", String.valueOf(items.size()));
        report.put("restructured", String.valueOf(chosen.size()));
        report.put("left out", String.valueOf(failed.size()));
        return new Selection(chosen, report);
    }
}
