package org.finetune4j.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The checkpoints of a run: {@code step-000123/} with the masters of what trains, the optimiser's moments, the state,
 * the metrics so far, and a manifest of these files. A checkpoint is whole or not there; a damaged one is passed over.
 */
public final class Checkpoints {
    private static final String WEIGHTS = "weights.safetensors";
    private static final String MOMENTS = "optimizer.safetensors";
    private static final String STATE = "state.json";
    private static final String METRICS = "metrics.jsonl";
    private static final List<String> FILES = List.of(WEIGHTS, MOMENTS, STATE, METRICS);
    private static final Pattern NAME = Pattern.compile("step-(\\d{6,15})");
    private static final Pattern UNFINISHED = Pattern.compile("(step-\\d{6,15})\\.(?:tmp|old)-\\d{1,18}-\\d{1,18}");

    private final Path folder;
    private final AtomicFiles files;
    private final int keep;

    /** The checkpoints in a folder, which need not exist yet; only the latest {@code keep} are kept. */
    public Checkpoints(Path folder, AtomicFiles files, int keep) {
        this.folder = folder;
        this.files = files;
        this.keep = keep;
    }

    /**
     * A checkpoint whose files were all verified.
     *
     * @param folder  where it is
     * @param state   where the run stood
     * @param metrics the lines of {@code metrics.jsonl} until then
     */
    public record Checkpoint(Path folder, CheckpointState state, String metrics) {
        /**
         * Reads the weights, and the moments where they are wanted, into arrays of the same names and shapes; nothing
         * is read unless all of them fit.
         *
         * @throws CheckpointException when a name or shape differs
         */
        void readInto(Map<String, INDArray> weights, @Nullable Map<String, INDArray> moments) {
            try (SafetensorsFile from = open(WEIGHTS, weights);
                 SafetensorsFile momentsFrom = moments == null ? null : open(MOMENTS, moments)) {
                weights.forEach(from::readInto);
                if (moments != null && momentsFrom != null) {
                    moments.forEach(momentsFrom::readInto);
                }
            }
        }

        private SafetensorsFile open(String name, Map<String, INDArray> arrays) {
            SafetensorsFile from = SafetensorsFile.open(folder.resolve(name));
            try {
                boolean fits = from.names().equals(arrays.keySet()) && arrays.entrySet().stream().allMatch(entry ->
                        java.util.Arrays.equals(from.info(entry.getKey()).shape(), entry.getValue().shape()));
                if (!fits) {
                    throw new CheckpointException(folder.resolve(name), "its " + from.names().size() + " arrays are not"
                            + " the " + arrays.size() + " that train now", "Continue with the model and adapter it was"
                            + " written with, or choose another run folder");
                }
                return from;
            } catch (RuntimeException e) {
                from.close();
                throw e;
            }
        }
    }

    /**
     * Writes a checkpoint, verifies it, and then deletes the oldest ones beyond those to keep.
     *
     * @return its folder
     * @throws CheckpointException when the disk refuses or a weight is not finite; earlier checkpoints are unchanged
     */
    public Path write(CheckpointState state, Map<String, INDArray> weights, Map<String, INDArray> moments,
                      String metrics) {
        createFolder();
        Path target = folder.resolve(String.format(Locale.ROOT, "step-%06d", state.step()));
        files.writeFolder(target, unfinished -> {
            Manifest manifest = new Manifest();
            manifest.write(unfinished, WEIGHTS, channel -> SafetensorsWriter.create().checkingFinite()
                    .writeTo(channel, target.resolve(WEIGHTS), weights, Map.of()));
            manifest.write(unfinished, MOMENTS, channel -> SafetensorsWriter.create()
                    .writeTo(channel, target.resolve(MOMENTS), moments, Map.of()));
            manifest.write(unfinished, STATE, channel -> channel.write(bytes(state.toJson())));
            manifest.write(unfinished, METRICS, channel -> channel.write(bytes(metrics)));
            manifest.writeTo(unfinished, state.step());
        });
        Manifest.verify(target, state.step(), FILES);
        keepLatest(state.step());
        return target;
    }

    /**
     * The latest checkpoint that verifies, or null when there is none at all.
     *
     * @param warn is told of every damaged one that is passed over
     * @throws FinetuneException when there are checkpoints but every one is damaged
     */
    public @Nullable Checkpoint latest(Consumer<String> warn) {
        if (!Files.isDirectory(folder)) {
            return null;
        }
        unfinished().forEach(name -> files.recover(folder.resolve(name)));
        List<Path> all = finished();
        for (Path path : all) {
            try {
                long step = step(path);
                Manifest.verify(path, step, FILES);
                CheckpointState state = CheckpointState.fromJson(path.resolve(STATE), read(path.resolve(STATE)));
                if (state.step() != step) {
                    throw new CheckpointException(path.resolve(STATE), "it tells of step " + state.step(),
                            "Delete the folder");
                }
                return new Checkpoint(path, state, read(path.resolve(METRICS)));
            } catch (CheckpointException e) {
                warn.accept("THE CHECKPOINT " + path + " IS DAMAGED AND PASSED OVER, an earlier one is looked for. "
                        + e.getMessage());
            }
        }
        if (!all.isEmpty()) {
            throw new FinetuneException("none of the " + all.size() + " checkpoints in " + folder + " is whole, so that "
                    + "the run cannot continue. Check the disk; delete the folder to begin anew.");
        }
        return null;
    }

    /**
     * Refuses to begin a run whose checkpoints would not fit on the disk.
     *
     * @param bytes size of one checkpoint
     */
    void requireRoom(long bytes) {
        createFolder();
        try {
            long usable = Files.getFileStore(folder).getUsableSpace();
            // One more than is kept: the oldest is deleted only after the newest is written. Some may lie there already.
            long count = Math.max(1, keep + 1L - finished().size());
            long needed = Math.multiplyExact(bytes, count);
            if (usable < needed) {
                throw new FinetuneException("the disk of " + folder + " has " + (usable >> 20) + " MiB left, but "
                        + count + " more checkpoints of " + (bytes >> 20) + " MiB need " + (needed >> 20)
                        + " MiB. Make room, keep fewer checkpoints or choose another run folder.");
            }
        } catch (IOException e) {
            throw new FinetuneException(folder + " cannot be used for checkpoints: " + e + ". Choose another run folder.", e);
        }
    }

    private void createFolder() {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new FinetuneException(folder + " cannot be created: " + e
                    + ". Check its permissions or choose another run folder.", e);
        }
    }

    /** Deletes the oldest checkpoints before a verified one, beyond those to keep, and what was left unfinished. */
    void keepLatest(long verified) {
        finished().stream().filter(path -> step(path) < verified).skip(keep - 1L).forEach(path -> {
            try {
                // Under an unfinished name a half-deleted checkpoint is ignored by the loader.
                Files.move(path, path.resolveSibling(path.getFileName() + AtomicFiles.TEMPORARY
                        + ProcessHandle.current().pid() + "-0"), StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                throw new CheckpointException(path, "the old checkpoint cannot be deleted (" + e + ")",
                        "Check the folder's permissions", e);
            }
        });
        unfinished().forEach(name -> files.removeLeftovers(folder.resolve(name)));
    }

    /** Checkpoints by name, latest first. */
    private List<Path> finished() {
        return names().filter(name -> NAME.matcher(name).matches()).map(folder::resolve)
                .sorted(Comparator.comparingLong(Checkpoints::step).reversed()).toList();
    }

    /** The names of checkpoints of which something unfinished lies there. */
    private List<String> unfinished() {
        return names().map(UNFINISHED::matcher).filter(Matcher::matches).map(match -> match.group(1)).distinct().toList();
    }

    private Stream<String> names() {
        try (Stream<Path> paths = Files.list(folder)) {
            return paths.map(path -> path.getFileName().toString()).toList().stream();
        } catch (IOException e) {
            throw new CheckpointException(folder, "the folder cannot be listed (" + e + ")", "Check its permissions", e);
        }
    }

    private static long step(Path path) {
        Matcher match = NAME.matcher(path.getFileName().toString());
        if (!match.matches()) {
            throw new IllegalArgumentException(path + " is not a checkpoint's name");
        }
        return Long.parseLong(match.group(1));
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new CheckpointException(file, "it cannot be read (" + e + ")", "Delete the folder of the checkpoint", e);
        }
    }
}
