package org.finetune4j.methods.adapt;

import org.finetune4j.methods.Fragment;
import org.finetune4j.model.LinearAdapter;

/** A parameterisation that trains while the base model's weights stay frozen. */
public interface Adapter extends Fragment {
    /** How it attaches to linear layers; refuses with an error layers that it cannot fit, such as a rank too large. */
    LinearAdapter linearAdapter();
}
