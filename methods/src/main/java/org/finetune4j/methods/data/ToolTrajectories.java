package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.data.tool.ErrorPhrases;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * Conversations with tools as one sample for every call that did not fail, and for the last turn: the turns up to and
 * with it. A call that failed is never the last turn of a sample but stays, with its error, in what comes before later
 * ones (MAE). Train on them with a template that supervises the last turn alone.
 *
 * <p>TL-Training: A Task-Feature-Based Framework for Training Large Language Models in Tool Use, arXiv 2412.15495. A
 * call failed when one of the tool's answers right behind it is an error by {@link ErrorPhrases}. An assistant's turn
 * that nothing of a tool follows is learned only as the last one.
 *
 * @param maskAdverse  whether failed calls are left out; default true
 * @param errorPhrases what tells an error; default those of the published code
 */
public record ToolTrajectories(boolean maskAdverse, List<String> errorPhrases) implements DataTransform {
    /** TL-Training's data, 2024. */
    public static final Method<ToolTrajectories> METHOD = new Method<>("toolTrajectories", Method.Kind.DATA,
            "TL-Training: A Task-Feature-Based Framework for Training Large Language Models in Tool Use (MAE)",
            "arXiv 2412.15495",
            settings -> new ToolTrajectories(settings.flag("maskAdverse", true),
                    settings.texts("errorPhrases", ErrorPhrases.DEFAULT)));

    /** Refuses phrases that would be found everywhere with a {@link FinetuneException}. */
    public ToolTrajectories {
        errorPhrases = List.copyOf(errorPhrases);
        if (maskAdverse) {
            Objects.requireNonNull(new ErrorPhrases(errorPhrases));
        }
    }

    @Override
    public Method<ToolTrajectories> method() {
        return METHOD;
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        boolean[] observed = new boolean[1];
        RowStream samples = SampleStream.each(METHOD.name(), source.open(report), sample -> {
            observed[0] |= sample.messages().stream().anyMatch(ToolTrajectories::isObservation);
            return targets(sample, report);
        });
        return new RowStream() {
            @Override
            public @Nullable Row next() {
                Row row = samples.next();
                if (row == null && maskAdverse && !observed[0]) {
                    throw new FinetuneException("toolTrajectories: " + source.description()
                            + " holds no answer of a tool, so "
                            + "that nothing tells which calls failed. Give turns with the role tool, or set "
                            + "maskAdverse to "
                            + "false.");
                }
                return row;
            }

            @Override
            public void close() {
                samples.close();
            }
        };
    }

    private List<Sample> targets(Sample sample, DataReport report) {
        List<Message> turns = sample.messages();
        ErrorPhrases errors = maskAdverse ? new ErrorPhrases(errorPhrases) : null;
        List<Sample> targets = new ArrayList<>();
        for (int i = 0; i < turns.size(); i++) {
            boolean last = i == turns.size() - 1;
            if (!turns.get(i).isAssistant() || !last && !isObservation(turns.get(i + 1))) {
                continue;
            }
            if (!last && errors != null && failed(turns, i + 1, errors)) {
                report.count("calls that failed, left out of what is learned");
                continue;
            }
            targets.add(new Sample(sample.id() + "/" + (targets.size() + 1), sample.conversation().upTo(i + 1),
                    List.of(),
                    last ? sample.answer() : null, sample.fields(), sample.provenance().madeOf(sample.id())));
        }
        return targets;
    }

    private static boolean failed(List<Message> turns, int from, ErrorPhrases errors) {
        for (int i = from; i < turns.size() && isObservation(turns.get(i)); i++) {
            if (errors.isError(turns.get(i).text())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isObservation(Message turn) {
        return turn.role().equals("tool");
    }
}
