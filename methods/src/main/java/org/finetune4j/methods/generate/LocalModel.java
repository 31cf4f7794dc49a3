package org.finetune4j.methods.generate;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.ModelConfig;

/**
 * Another model in a folder on this machine, loaded with the precision and the kernels of the run.
 *
 * @param folder in the Hugging Face layout, with a chat template
 */
public record LocalModel(String folder) implements TextSource {
    /** A model of the user's. */
    public static final Method<LocalModel> METHOD = new Method<>("localModel", Method.Kind.SOURCE,
            "Another model in a folder on this machine", "Hugging Face layout",
            settings -> new LocalModel(settings.text("folder", "model")));

    /** Refuses a blank name with a {@link org.finetune4j.FinetuneException}. */
    public LocalModel {
        Settings.require(!folder.isBlank(), "localModel", "folder", "'" + folder + "'", "the folder of a model");
    }

    @Override
    public Method<LocalModel> method() {
        return METHOD;
    }

    @Override
    public TextModel open(SourceContext context) {
        return context.load(Path.of(folder));
    }

    @Override
    public String description() {
        return "the model " + folder;
    }

    @Override
    public Optional<String> problem() {
        return Files.isRegularFile(Path.of(folder, ModelConfig.FILE_NAME)) ? Optional.empty()
                : Optional.of("localModel: " + folder + " holds no " + ModelConfig.FILE_NAME
                        + ". Give a folder in the Hugging Face layout.");
    }
}
