package org.finetune4j.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.model.ModelConfig;

/** The folder of a model whose rotary positions are rebased for longer texts; weights and tokenizer stay the same. */
public final class RebasedModel {
    private RebasedModel() {
    }

    /**
     * Writes the folder, unless it is there already with the same configuration.
     *
     * @param base   the model's folder
     * @param factor how many times as long texts become, finite and at least 1
     * @param into   the new folder
     * @throws FinetuneException when the model cannot be rebased, the folder cannot be written, or another model is
     * there
     */
    public static void write(Path base, double factor, Path into) {
        String config = ModelConfig.read(base).rebased(factor).toJson();
        AtomicFiles.onDisk().recover(into);
        if (Files.exists(into)) {
            requireSame(config, base, into);
            return;
        }
        AtomicFiles.onDisk().writeFolder(into, unfinished -> {
            for (Path file : files(base)) {
                String name = file.getFileName().toString();
                if (!name.equals(ModelConfig.FILE_NAME)) {
                    copy(file, unfinished.path().resolve(name));
                }
            }
            unfinished.writeText(ModelConfig.FILE_NAME, config);
        });
    }

    private static void requireSame(String config, Path base, Path into) {
        if (!ModelConfig.read(into).toJson().equals(config) || !sameFiles(base, into)) {
            throw new FinetuneException(into + " already holds something else than this model rebased. Choose another "
                    + "folder, or delete it.");
        }
    }

    /** Files that are shared are equal at once. */
    private static boolean sameFiles(Path base, Path into) {
        try {
            for (Path file : files(base)) {
                Path other = into.resolve(file.getFileName().toString());
                if (!other.getFileName().toString().equals(ModelConfig.FILE_NAME)
                        && (!Files.exists(other) || Files.mismatch(file, other) != -1)) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            throw new FinetuneException(base + " and " + into + " cannot be compared: " + e + ". Check their permissions.", e);
        }
    }

    private static List<Path> files(Path base) throws IOException {
        try (Stream<Path> files = Files.list(base)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    /** Weights are large and never written to, so that they are shared where the disk can. */
    private static void copy(Path from, Path to) throws IOException {
        try {
            Files.createLink(to, from.toRealPath());
        } catch (IOException | UnsupportedOperationException otherDisk) {
            Files.copy(from, to);
        }
    }
}
