package org.finetune4j.train;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.finetune4j.checkpoint.AtomicFiles;

/** A training in a process of its own, for {@link KillTest}: tells its steps and at last writes its weights. */
final class KillableTraining {
    static final String WEIGHTS = "final-weights.bin";

    /** Far more steps than are waited for before the last kill, so that no scheduling lets the run end before it. */
    static final int EPOCHS = 40;

    private KillableTraining() {
    }

    public static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        float[] weights = LlamaJobs.train(LlamaJobs.Kind.ADAPTER_BF16, EPOCHS, folder, new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                System.out.println("step " + event.step());
                System.out.flush();
            }

            @Override
            public void resumed(long step, Path checkpoint) {
                System.out.println("resumed " + step);
            }

            @Override
            public void warned(String message) {
                System.out.println("warned " + message);
            }
        });
        ByteBuffer bytes = ByteBuffer.allocate(4 * weights.length);
        bytes.asFloatBuffer().put(weights);
        AtomicFiles.onDisk().writeBytes(folder.resolve(WEIGHTS), bytes.array());
    }
}
