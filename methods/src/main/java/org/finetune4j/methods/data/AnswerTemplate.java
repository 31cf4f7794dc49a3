package org.finetune4j.methods.data;

import java.util.List;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.data.exam.AnswerLayout;
import org.finetune4j.methods.data.exam.ExamItem;

/**
 * Multiple-choice questions with answers in one layout, which the system's turn describes: domain, letter and
 * explanation.
 *
 * <p>A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state Bar Exam,
 * arXiv 2504.04945. Samples need the parts of {@link ExamItem#of}; {@link AnswerLayout#parse} reads answers back.
 *
 * @param format     how fields are written; default JSON
 * @param order      whether the letter comes before or behind the explanation; default ANSWER_FIRST
 * @param structured whether the explanation has the four fields of an argument; default true
 */
public record AnswerTemplate(AnswerLayout.Format format, AnswerLayout.Order order, boolean structured)
        implements DataTransform {
    /** The layouts of the bar-exam study, 2025. */
    public static final Method<AnswerTemplate> METHOD = new Method<>("answerTemplate", Method.Kind.DATA,
            "A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state "
                    + "Bar Exam "
                    + "(answer layouts)", "arXiv 2504.04945",
            settings -> new AnswerTemplate(settings.choice("format", AnswerLayout.Format.JSON),
                    settings.choice("order", AnswerLayout.Order.ANSWER_FIRST), settings.flag("structured", true)));

    /** The layout of the answers. */
    public AnswerLayout layout() {
        return new AnswerLayout(format, order, structured);
    }

    @Override
    public Method<AnswerTemplate> method() {
        return METHOD;
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        return SampleStream.each(METHOD.name(), source.open(report), sample ->
                List.of(layout().laidOut(sample, ExamItem.of(sample, structured))));
    }
}
