package org.finetune4j.methods.adapt;

/** How PEFT names the tensors of an adapter in {@code adapter_model.safetensors}. */
public final class PeftNames {
    private static final String PREFIX = "base_model.model.";
    /** Some tools leave the adapter's own name in; PEFT's is this one unless the user chose another. */
    private static final String ADAPTER = ".default";

    private PeftNames() {
    }

    /** The name in the file of a parameter of this name in the model. */
    public static String inFile(String parameter) {
        return PREFIX + parameter;
    }

    /** The name in the model of a tensor of this name in the file. */
    static String inModel(String tensor) {
        String name = tensor.startsWith(PREFIX) ? tensor.substring(PREFIX.length()) : tensor;
        if (name.endsWith(LowRank.MAGNITUDE + ADAPTER)) {
            return name.substring(0, name.length() - ADAPTER.length());
        }
        if (name.endsWith(LowRank.MAGNITUDE + ".weight")) {
            return name.substring(0, name.length() - ".weight".length());
        }
        return name.replace("lora_A" + ADAPTER + ".", "lora_A.").replace("lora_B" + ADAPTER + ".", "lora_B.");
    }
}
