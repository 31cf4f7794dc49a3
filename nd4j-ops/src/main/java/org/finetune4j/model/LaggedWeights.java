package org.finetune4j.model;

import java.util.HashMap;
import java.util.Map;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Memory;
import org.finetune4j.kernel.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A copy of what trains in a model, which follows it at a distance: the weights of a lagging reference. */
public final class LaggedWeights implements AutoCloseable {
    private final Parameters parameters;
    private final Kernels kernels;
    private final INDArray masters;
    private final INDArray values;
    private final INDArray scratch;
    private final Map<String, INDArray> copies = new HashMap<>();

    LaggedWeights(LanguageModel model) {
        parameters = model.parameters();
        kernels = model.kernels();
        masters = parameters.flat().dup('c');
        boolean narrow = model.precision().type() != model.precision().masterType();
        values = narrow ? masters.castTo(model.precision().type()) : masters;
        scratch = masters.like();
        for (Parameter parameter : parameters.trainable()) {
            copies.put(parameter.name(), Arena.arrayAt(Memory.address(values)
                    + parameter.flatOffset() * values.dataType().width(), values.dataType(), parameter.shape()));
        }
        changed();
    }

    /** What such a copy takes, given the bytes of the values that the graph reads. */
    static long bytes(LanguageModel model, long values) {
        long masters = model.parameters().trainableCount() * model.precision().masterType().width();
        boolean narrow = model.precision().type() != model.precision().masterType();
        return 2 * masters + (narrow ? values : 0);
    }

    /** Copies in the type of the graph, by the parameters' names; views of this object's memory. */
    Map<String, INDArray> copies() {
        return copies;
    }

    /** The copy's masters, laid out like {@link Parameters#flat()}; {@link #changed()} must follow a change. */
    public INDArray masters() {
        return masters;
    }

    /** To be called after {@link #masters()} changed. */
    public void changed() {
        if (values != masters) {
            kernels.scale(masters, 1, values);
        }
    }

    /** Moves towards the policy: {@code (1 - mix) copy + mix policy}. */
    public void follow(double mix) {
        kernels.scale(parameters.flat(), mix, scratch);
        kernels.scale(masters, 1 - mix, masters);
        kernels.add(masters, scratch, masters);
        changed();
    }

    @Override
    public void close() {
        masters.close();
        if (values != masters) {
            values.close();
        }
        scratch.close();
    }
}
