package org.finetune4j.methods.select;

import org.finetune4j.methods.Fragment;

/**
 * What stands in {@code select(...)}: a {@link Selector} works before the training, a {@link BatchMethod} in every
 * step.
 */
public interface Selecting extends Fragment {
}
