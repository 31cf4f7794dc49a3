package org.finetune4j.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** PyTorch's own checkpoint files, which are pickles: reading one runs what its author put there, so none is ever read. */
final class Pickles {
    private Pickles() {}

    static boolean isNamedLikeOne(String name) {
        return name.matches(".*\\.(bin|pt|pth|ckpt|pkl|bin\\.index\\.json)");
    }

    /** Returns weights of this kind in a folder, or null if there are none. */
    static @Nullable Path in(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> isNamedLikeOne(file.getFileName().toString())
                && !file.getFileName().toString().startsWith("training_args")).sorted().findFirst().orElse(null);
        } catch (IOException e) {
            // A folder that cannot be listed holds nothing to convert; the caller says what is missing.
            return null;
        }
    }

    /** Returns the refusal, with a line of Python that converts one file without running what is in it. */
    static CheckpointException refused(Path file) {
        String name = file.getFileName().toString();
        String safe = name.replaceFirst("pytorch_model", "model").replaceFirst("\\.[a-z]+$", ".safetensors");
        String line = name.endsWith(".json") ? "from transformers import AutoModelForCausalLM as M; "
            + "M.from_pretrained('.', weights_only=True).save_pretrained('converted', safe_serialization=True)"
            : "import torch; from safetensors.torch import save_file; save_file({k: v.clone().contiguous() for k, v in "
            + "torch.load('" + name + "', map_location='cpu', weights_only=True).items()}, '" + safe
            + "', metadata={'format': 'pt'})";
        return new CheckpointException(file, "this is a pickle file, which can run code when it is read",
            "Convert it once in its folder: python3 -c \"" + line + "\"");
    }
}
