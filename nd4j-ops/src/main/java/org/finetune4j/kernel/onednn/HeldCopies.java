package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.kernel.HeldWeights;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Copies of weights for one use, found by the address of the weight. */
final class HeldCopies implements AutoCloseable {
    private final Workers workers;
    private final PackedWeight.Use use;
    private final Map<Long, PackedWeight> copies = new HashMap<>();

    HeldCopies(Workers workers, PackedWeight.Use use) {
        this.workers = workers;
        this.use = use;
    }

    /**
     * Packs weights, until the result is closed.
     *
     * @param weights matrices {@code [outputs, inputs]}
     */
    HeldWeights hold(Collection<INDArray> weights) {
        List<PackedWeight> made = new ArrayList<>();
        try {
            for (INDArray weight : weights) {
                long address = Operands.address("hold", weight);
                synchronized (copies) {
                    if (!copies.containsKey(address) && weight.length() > 0) {
                        PackedWeight copy = PackedWeight.of(weight, use, workers);
                        made.add(copy);
                        copies.put(address, copy);
                    }
                }
            }
        } catch (RuntimeException | Error e) {
            release(made);
            throw e;
        }
        return new HeldWeights() {
            @Override
            public long bytes() {
                return made.stream().mapToLong(PackedWeight::bytes).sum();
            }

            @Override
            public void close() {
                release(made);
            }
        };
    }

    /** The copy of the weight at an address, as a matrix of so many columns and rows, or null. */
    @Nullable PackedWeight find(long address, int columns, int inner, boolean bfloat16) {
        PackedWeight found;
        synchronized (copies) {
            found = copies.get(address);
        }
        return found != null && found.is(columns, inner, bfloat16) ? found : null;
    }

    private void release(List<PackedWeight> weights) {
        synchronized (copies) {
            for (PackedWeight weight : weights) {
                if (copies.remove(weight.source(), weight)) {
                    weight.close();
                }
            }
        }
    }

    /** Frees everything; to be called once nothing computes any more. */
    @Override
    public void close() {
        synchronized (copies) {
            copies.values().forEach(PackedWeight::close);
            copies.clear();
        }
    }
}
