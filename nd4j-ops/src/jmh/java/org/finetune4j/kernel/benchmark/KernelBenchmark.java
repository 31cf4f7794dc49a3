package org.finetune4j.kernel.benchmark;

import java.util.concurrent.TimeUnit;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Kernels on all cores, random arrays, and how long is measured. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public abstract class KernelBenchmark {
    /** The kernels that are measured, from {@link #open} on. */
    protected Kernels kernels;

    /** What one call of a benchmark method does, known from the parameters alone. */
    abstract Work work(String method);

    /** Makes the kernels and then the arrays. */
    @Setup(Level.Trial)
    public void open() {
        kernels = new OneDnnKernels();
        prepare();
    }

    /** Makes the arrays. */
    abstract void prepare();

    /** Frees the kernels. */
    @TearDown(Level.Trial)
    public void close() {
        kernels.close();
    }

    static DataType type(String dtype) {
        return dtype.equals("bf16") ? DataType.BFLOAT16 : DataType.FLOAT;
    }

    static INDArray random(DataType type, long... shape) {
        return Nd4j.rand(DataType.FLOAT, shape).subi(0.5).castTo(type);
    }

    static INDArray output(DataType type, long... shape) {
        return Nd4j.zeros(type, shape);
    }
}
