package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.decode.Demonstrations;

/**
 * Supervised in-context learning: every sample is trained on behind solved samples of a pool, as earlier turns of its
 * conversation, never behind itself or another sample with its prompt.
 *
 * <p>A demonstration shows its whole response where it has one, as the sample itself is to be answered, else its answer.
 * With FIXED all questions stand behind the same ones: a few-shot prompt. Held-out samples are asked in the same way and need no response. Of the conversation only the last turn is to be
 * learned ({@code chatTemplate(supervise = Turns.LAST)}). The method's authors draw other demonstrations in every step; here
 * every one of {@code copies} has its own, so that as many copies as epochs, trained on for one epoch, come to the same.
 *
 * @param k        demonstrations, at least 1 and fewer than the pool has; default 3
 * @param retrieve which of the pool are shown; default RANDOM
 * @param copies   how often a sample is given, each time behind other demonstrations, at least 1; default 1
 * @param seed     decides the draws; default 42
 */
public record InContext(int k, Demonstrations.Retrieve retrieve, int copies, long seed) implements DataMethod {
    /** Supervised in-context learning, 2023. */
    public static final Method<InContext> METHOD = new Method<>("inContext", Method.Kind.DATA,
            "On Task Performance and Model Calibration with Supervised and Self-Ensembled In-Context Learning (SICL)",
            "arXiv 2312.13772", settings -> new InContext(settings.whole("k", 3),
                    settings.choice("retrieve", Demonstrations.Retrieve.RANDOM), settings.whole("copies", 1),
                    settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public InContext {
        Settings.require(k >= 1, "inContext", "k", k, "at least 1");
        Settings.require(copies >= 1, "inContext", "copies", copies, "at least 1");
    }

    @Override
    public Method<InContext> method() {
        return METHOD;
    }

    @Override
    public List<String> needs() {
        return List.of("samples", "pool");
    }

    @Override
    public RowStream open(List<DataSource> sources, DataReport report) {
        List<Sample> pool = sources.get(1).samples();
        Demonstrations.require("inContext", pool);
        return SampleStream.each("inContext", sources.get(0).open(report), new SampleStream.Change() {
            private long index;

            @Override
            public List<Sample> of(Sample sample) {
                return behindDemonstrations(sample, pool, index++);
            }
        });
    }

    private List<Sample> behindDemonstrations(Sample sample, List<Sample> pool, long index) {
        if (sample.prompt().isEmpty()) {
            throw new FinetuneException("inContext: " + sample.id() + " has no prompt to put demonstrations before. Give it one, or "
                    + "leave it out.");
        }
        List<Sample> made = new ArrayList<>();
        for (int copy = 0; copy < copies; copy++) {
            List<Sample> shown = Demonstrations.draw("inContext", pool, sample, k, retrieve,
                    CounterRandom.seed(seed, "in context", index * copies + copy));
            Sample behind = Demonstrations.before(sample, shown, "{prompt}", Demonstrations::response);
            made.add(new Sample(sample.id() + (copies == 1 ? "" : "#" + (copy + 1)), behind.conversation(), List.of(),
                    behind.answer(), behind.fields(), sample.provenance().madeOf(sample.id())));
        }
        return made;
    }
}
