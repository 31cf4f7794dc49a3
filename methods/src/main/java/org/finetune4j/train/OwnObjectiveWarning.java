package org.finetune4j.train;

import java.nio.file.Path;
import java.util.Optional;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.Methods;
import java.util.Map;

/** Warns when a run continues whose objective is code of its user, for of that only the name can be compared. */
record OwnObjectiveWarning(TrainingListener listener, String objective) implements TrainingListener {
    /** The name of an objective that is not of the catalogue, be it this one or one inside of it. */
    static Optional<String> ownOf(Fragment objective) {
        return Methods.all().stream().noneMatch(method -> method.equals(objective.method()))
                ? Optional.of(objective.method().name())
                : objective.settings().values().stream().filter(Fragment.class::isInstance).map(Fragment.class::cast)
                        .flatMap(inner -> ownOf(inner).stream()).findFirst();
    }

    @Override
    public void resumed(long step, Path folder) {
        listener.warned("The run continues after step " + step + ", but of the objective '" + objective + "', which is "
                + "not of the catalogue, only name and settings can be compared. If its loss was edited since, delete "
                + folder.getParent() + " or choose another run folder.");
        listener.resumed(step, folder);
    }

    @Override
    public void stageBegan(String stage) {
        listener.stageBegan(stage);
    }

    @Override
    public void stageProgressed(String stage, long done, long total) {
        listener.stageProgressed(stage, done, total);
    }

    @Override
    public void stepMade(StepEvent event) {
        listener.stepMade(event);
    }

    @Override
    public void evaluated(EvaluationEvent event) {
        listener.evaluated(event);
    }

    @Override
    public void selected(Map<String, String> report) {
        listener.selected(report);
    }

    @Override
    public void checkpointWritten(long step, Path folder) {
        listener.checkpointWritten(step, folder);
    }

    @Override
    public void warned(String message) {
        listener.warned(message);
    }

    @Override
    public boolean stopRequested() {
        return listener.stopRequested();
    }
}
