package org.finetune4j.methods.adapt;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.LinearSite;
import org.finetune4j.model.ParameterSpec;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An adapter that was saved before, by this library or by Hugging Face's PEFT, to be trained on, measured or merged.
 *
 * <p>Read are LoRA, rsLoRA and DoRA with everything that PEFT offers for the choice of layers, ranks and alphas. What is
 * not supported is refused by the name of its field or tensor: other adapters, trained biases, {@code modules_to_save},
 * adapters of embeddings and of the head, and beginnings that change the base's weights.
 *
 * @param folder with {@code adapter_config.json} and {@code adapter_model.safetensors}
 */
public record SavedAdapter(String folder) implements Adapter {
    /** PEFT's layout. */
    public static final Method<SavedAdapter> METHOD = new Method<>("savedAdapter", Method.Kind.ADAPT,
            "An adapter in the layout of Hugging Face's PEFT", "github.com/huggingface/peft",
            settings -> new SavedAdapter(settings.text("folder", "adapter")));

    /** Refuses a blank name with a {@link FinetuneException}. */
    public SavedAdapter {
        Settings.require(!folder.isBlank(), "savedAdapter", "folder", folder, "the folder of a saved adapter");
    }

    @Override
    public Method<SavedAdapter> method() {
        return METHOD;
    }

    private LowRank lowRank() {
        return PeftFolder.lowRank(PeftFolder.config(Path.of(folder)), Path.of(folder));
    }

    @Override
    public LinearAdapter linearAdapter() {
        LowRank lowRank = lowRank();
        Map<String, String> tensors = tensors();
        return new LinearAdapter() {
            @Override
            public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
                return lowRank.parameters(site, inputs, outputs).stream().map(spec -> read(spec, tensors)).toList();
            }

            @Override
            public SDVariable adapt(LinearSite site, SDVariable base) {
                return lowRank.adapt(site, base);
            }
        };
    }

    /** The names of tensors in the file by their parameters' names. */
    private Map<String, String> tensors() {
        Map<String, String> tensors = new LinkedHashMap<>();
        try (SafetensorsFile file = PeftFolder.weights(Path.of(folder))) {
            for (String tensor : file.names()) {
                if (tensors.put(PeftNames.inModel(tensor), tensor) != null) {
                    throw new CheckpointException(Path.of(folder), "two tensors stand for '" + PeftNames.inModel(tensor)
                            + "'", "Save the adapter again");
                }
            }
        }
        return tensors;
    }

    private ParameterSpec read(ParameterSpec spec, Map<String, String> tensors) {
        String tensor = tensors.get(spec.name());
        if (tensor == null) {
            throw new CheckpointException(Path.of(folder), "tensor '" + PeftNames.inFile(spec.name()) + "' of shape "
                    + Arrays.toString(spec.shape()) + " is missing from the weights",
                    "Check that adapter_config.json and the weights belong together, and to this base model");
        }
        try (SafetensorsFile file = PeftFolder.weights(Path.of(folder))) {
            if (!Arrays.equals(file.info(tensor).shape(), spec.shape())) {
                throw new CheckpointException(Path.of(folder), "tensor '" + tensor + "' has the shape "
                        + Arrays.toString(file.info(tensor).shape()) + ", but rank and base model ask for "
                        + Arrays.toString(spec.shape()), "Check that the adapter was trained on this base model");
            }
        }
        return new ParameterSpec(spec.name(), spec.shape(), values(tensor));
    }

    private ParameterSpec.Initializer values(String tensor) {
        return new ParameterSpec.Initializer() {
            @Override
            public double value(long seed, long index) {
                throw new IllegalStateException("values are read when the adapter is attached");
            }

            @Override
            public ParameterSpec.Initializer over(Supplier<INDArray> weight) {
                try (SafetensorsFile file = PeftFolder.weights(Path.of(folder));
                     INDArray array = file.read(tensor, DataType.FLOAT)) {
                    float[] values = array.ravel().toFloatVector();
                    return (seed, index) -> values[(int) index];
                }
            }
        };
    }

    @Override
    public void requireFits(Map<String, long[]> layers) {
        LinearAdapter adapter = linearAdapter();
        Set<String> left = new TreeSet<>(tensors().keySet());
        layers.forEach((site, shape) -> adapter.parameters(site, shape[1], shape[0])
                .forEach(spec -> left.remove(spec.name())));
        if (!left.isEmpty()) {
            throw new CheckpointException(Path.of(folder), "the weights hold tensors that stand at none of the model's "
                    + "targeted linear layers: " + left.stream().limit(5).toList() + (left.size() > 5 ? " and "
                    + (left.size() - 5) + " more" : ""), "Check that the adapter was trained on this base model; adapters of "
                    + "embeddings and of the head are not supported");
        }
    }

    @Override
    public INDArray merged(String site, INDArray weight, Function<String, INDArray> parameter) {
        return lowRank().merged(site, weight, parameter);
    }

    @Override
    public Map<String, Object> peftConfig(String baseModel, Collection<String> sites) {
        ObjectNode config = PeftFolder.config(Path.of(folder));
        Map<String, Object> layers = new LinkedHashMap<>();
        for (String field : List.of("r", "lora_alpha", "target_modules", "exclude_modules", "layers_to_transform",
                "layers_pattern", "rank_pattern", "alpha_pattern")) {
            if (config.has(field)) {
                layers.put(field, StrictJson.mapper().convertValue(config.get(field), Object.class));
            }
        }
        return PeftConfig.of(baseModel, lowRank(), layers);
    }
}
