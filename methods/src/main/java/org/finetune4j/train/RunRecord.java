package org.finetune4j.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.data.DataPosition;
import org.finetune4j.train.Checkpoints.Checkpoint;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a run leaves on the disk and finds there again: its checkpoints and its metrics. */
final class RunRecord {
    private static final String CHECKPOINTS = "checkpoints";

    private final TrainingJob job;
    private final GradientEngine engine;
    private final AdamW optimizer;
    private final TrainingListener listener;
    private final @Nullable Checkpoints checkpoints;
    private final Map<String, INDArray> weights;
    private final Map<String, INDArray> moments;
    private final Map<String, String> identity;
    private MetricsLog log;
    private long savedStep = -1;
    private @Nullable Path saved;

    RunRecord(TrainingJob job, GradientEngine engine, AdamW optimizer, Map<String, String> computation,
              AtomicFiles files, TrainingListener listener) {
        this.job = job;
        this.engine = engine;
        this.optimizer = optimizer;
        this.listener = listener;
        weights = named(engine.weights(), "");
        moments = named(optimizer.firstMoment(), ".first");
        moments.putAll(named(optimizer.secondMoment(), ".second"));
        engine.state().forEach((name, array) -> moments.put("state." + name, array));
        identity = identity(computation);
        checkpoints = job.runFolder() == null ? null
                : new Checkpoints(job.runFolder().resolve(CHECKPOINTS), files, job.settings().keepCheckpoints());
        log = new MetricsLog(null, "");
        if (job.runFolder() != null) {
            createFolder(job.runFolder());
        }
        if (checkpoints != null && job.settings().checkpointEvery() > 0) {
            checkpoints.requireRoom(3 * engine.weights().length() * engine.weights().dataType().width());
        }
    }

    /**
     * Brings the arrays to the latest checkpoint of this job, if there is one.
     *
     * @return where the run stands
     * @throws FinetuneException when the checkpoints there are of another job, or all of them are damaged
     */
    CheckpointState restore() {
        Checkpoint found = checkpoints == null ? null : checkpoints.latest(listener::warned);
        if (found != null) {
            requireSameJob(found);
            found.readInto(weights, moments);
            optimizer.restored(found.state().updates());
            engine.weightsChanged();
            engine.stateRestored();
            restoreStates(found);
            checkpoints.keepLatest(found.state().step());
            savedStep = found.state().step();
            saved = found.folder();
            listener.resumed(found.state().step(), found.folder());
        }
        log = new MetricsLog(job.runFolder(), found == null ? "" : found.metrics());
        return found != null ? found.state() : state(0, DataPosition.START);
    }

    /**
     * The latest checkpoint of another run, to begin with its weights.
     *
     * @throws FinetuneException when there is none
     */
    static Checkpoint startingPoint(Path runFolder, TrainingListener listener) {
        Checkpoint found = new Checkpoints(runFolder.resolve(CHECKPOINTS), AtomicFiles.onDisk(), 1)
                .latest(listener::warned);
        if (found == null) {
            throw new FinetuneException("continueFrom: " + runFolder + " holds no checkpoint to continue from. Give the "
                    + "folder of a run that wrote checkpoints (train.checkpointEvery).");
        }
        return found;
    }

    /** The log of metrics. */
    MetricsLog log() {
        return log;
    }

    /** Writes a checkpoint unless there is one of this step, and returns the folder of the latest. */
    @Nullable Path save(long step, DataPosition position) {
        if (checkpoints != null && step != savedStep) {
            saved = checkpoints.write(state(step, position), weights, moments, log.lines());
            savedStep = step;
            listener.checkpointWritten(step, saved);
        }
        return saved;
    }

    /** The folder of the latest checkpoint, or null. */
    @Nullable Path lastSaved() {
        return saved;
    }

    private CheckpointState state(long step, DataPosition position) {
        Map<String, String> states = new LinkedHashMap<>();
        job.rule().states().forEach(state -> states.put(state.name(), state.save()));
        return new CheckpointState(step, optimizer.updates(), position, identity, job.recipe(), versions(), states);
    }

    private void restoreStates(Checkpoint found) {
        for (RunState state : job.rule().states()) {
            String text = found.state().states().get(state.name());
            if (text == null) {
                throw new CheckpointException(found.folder(), "it lacks the state of " + state.name(),
                        "Choose another run folder, or begin a new run from its weights with continueFrom");
            }
            state.restore(text);
        }
    }

    /** What a run is made with, for the reader. */
    static Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("finetune4j", java.util.Objects.requireNonNullElse(
                RunRecord.class.getPackage().getImplementationVersion(), "unpackaged"));
        versions.put("java", System.getProperty("java.version"));
        versions.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        return versions;
    }

    private Map<String, String> identity(Map<String, String> computation) {
        Map<String, String> all = new LinkedHashMap<>(job.identity());
        all.putAll(job.settings().identity());
        all.put("train.learningRate", Double.toString(job.learningRate()));
        all.put("reduction", job.reduction().toString());
        all.put("data", job.data().hash());
        all.putAll(computation);
        return all;
    }

    private void requireSameJob(Checkpoint found) {
        Map<String, String> before = found.state().identity();
        Set<String> names = new TreeSet<>(before.keySet());
        names.addAll(identity.keySet());
        names.removeIf(name -> java.util.Objects.equals(before.get(name), identity.get(name)));
        if (!names.isEmpty()) {
            StringBuilder differences = new StringBuilder();
            names.forEach(name -> differences.append("\n  ").append(name).append(" was ").append(before.get(name))
                    .append(", is ").append(identity.get(name)));
            throw new FinetuneException("the run folder " + job.runFolder() + " holds a checkpoint of step "
                    + found.state().step() + " of another job:" + differences + "\nChoose another run folder, delete "
                    + "this one, or begin a new run from its weights with continueFrom.");
        }
    }

    private Map<String, INDArray> named(INDArray flat, String suffix) {
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        engine.slices().forEach(slice -> arrays.put(slice.name() + suffix, slice.of(flat)));
        return arrays;
    }

    static void createFolder(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new FinetuneException("the run folder " + folder + " cannot be created: " + e
                    + ". Check its permissions or choose another one.", e);
        }
    }
}
