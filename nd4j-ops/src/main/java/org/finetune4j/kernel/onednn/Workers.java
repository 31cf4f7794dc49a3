package org.finetune4j.kernel.onednn;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.global.dnnl;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * A few threads that share the chunks of one kernel at a time.
 *
 * <p>A kernel is cut into chunks by its shapes alone, and each chunk is computed by one thread from start to end, oneDNN
 * included, which is told to use a single thread. So no result depends on how many threads there are or which was faster.
 */
final class Workers implements AutoCloseable {
    /**
     * Nanoseconds that a thread waits awake: longer than the gap between two kernels or the difference between two threads,
     * since waking up takes about 50 microseconds and a step has hundreds of kernels.
     */
    private static final long AWAKE = 500_000;
    private final NativeOps openMp = nativeOperations();
    private final dnnl_engine engine = new dnnl_engine();
    private final Worker[] workers;
    private final Thread[] helpers;
    private final boolean amx;
    private final boolean multipliesPackedBfloat16;
    private volatile @Nullable Job current;
    private volatile boolean closed;

    private static NativeOps nativeOperations() {
        // The holder can be asked only after ND4J has chosen its backend, which the first use of Nd4j does.
        Nd4j.getBackend();
        return NativeOpsHolder.getInstance().getDeviceNativeOps();
    }

    /** Computes one chunk on one worker. */
    interface Chunk {
        void run(Worker worker, int chunk);
    }

    Workers(int threads) {
        this(threads, true);
    }

    /**
     * So many threads.
     *
     * @param usesBfloat16 whether the processor's instructions for BFLOAT16 are used if it has them
     */
    Workers(int threads, boolean usesBfloat16) {
        if (threads < 1) {
            throw new IllegalArgumentException("onednn kernels need at least one thread, got " + threads);
        }
        Primitive.check("engine", dnnl.dnnl_engine_create(engine, dnnl.dnnl_cpu, 0));
        workers = new Worker[threads];
        for (int i = 0; i < threads; i++) {
            workers[i] = new Worker(engine, usesBfloat16);
        }
        amx = bfloat16() && hasInstructions(dnnl.dnnl_cpu_isa_avx512_core_amx);
        multipliesPackedBfloat16 = bfloat16() || !hasInstructions(dnnl.dnnl_cpu_isa_avx512_core);
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.length; i++) {
            Worker worker = workers[i + 1];
            helpers[i] = new Thread(() -> help(worker), "onednn-" + (i + 1));
            helpers[i].setDaemon(true);
            helpers[i].start();
        }
    }

    /** Runs all chunks and returns when every one is done. The calling thread takes part. */
    synchronized void run(int chunks, Chunk body) {
        if (closed) {
            throw new IllegalStateException("these onednn kernels are closed; make new ones");
        }
        if (chunks == 0) {
            return;
        }
        // oneDNN asks OpenMP of the calling thread how many threads to use; ND4J shares that OpenMP and wants it back.
        int before = openMp.ompGetMaxThreads();
        if (before != 1) {
            openMp.setOmpNumThreads(1);
        }
        try {
            if (chunks == 1 || helpers.length == 0) {
                for (int i = 0; i < chunks; i++) {
                    body.run(workers[0], i);
                }
                return;
            }
            Job job = new Job(chunks, body);
            current = job;
            for (int i = 0; i < Math.min(helpers.length, chunks - 1); i++) {
                LockSupport.unpark(helpers[i]);
            }
            job.work(workers[0]);
            job.await();
        } finally {
            current = null;
            if (before != 1) {
                openMp.setOmpNumThreads(before);
            }
        }
    }

    private void help(Worker worker) {
        openMp.setOmpNumThreads(1);
        Job last = null;
        long idleFrom = System.nanoTime();
        while (!closed) {
            Job job = current;
            if (job != null && job != last) {
                job.work(worker);
                last = job;
                idleFrom = System.nanoTime();
            } else if (System.nanoTime() - idleFrom < AWAKE) {
                Thread.onSpinWait();
            } else {
                last = null;
                LockSupport.park(this);
                idleFrom = System.nanoTime();
            }
        }
    }

    /** Whether oneDNN computes with BFLOAT16. */
    boolean bfloat16() {
        return workers[0].bfloat16();
    }

    /** Whether oneDNN multiplies BFLOAT16 with AMX, many times as fast as it can move it. */
    boolean amx() {
        return amx;
    }

    /**
     * Whether oneDNN multiplies by packed BFLOAT16: not FLOAT by it with AVX-512, where version 3.11 computes wrong numbers of
     * every layout but rows and columns.
     */
    boolean multipliesPackedBfloat16() {
        return multipliesPackedBfloat16;
    }

    private static boolean hasInstructions(int set) {
        return (dnnl.dnnl_get_effective_cpu_isa() & set) == set;
    }

    int threads() {
        return workers.length;
    }

    int cachedPrimitives() {
        int count = 0;
        for (Worker worker : workers) {
            count += worker.cachedPrimitives();
        }
        return count;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
        boolean interrupted = false;
        for (Thread helper : helpers) {
            while (helper.isAlive()) {
                try {
                    helper.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        for (Worker worker : workers) {
            worker.close();
        }
        dnnl.dnnl_engine_destroy(engine);
    }

    /** One kernel's chunks, handed out in order to whichever thread is free. */
    private static final class Job {
        private final int chunks;
        private final Chunk body;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private volatile @Nullable Throwable failure;

        Job(int chunks, Chunk body) {
            this.chunks = chunks;
            this.body = body;
        }

        void work(Worker worker) {
            for (int i = next.getAndIncrement(); i < chunks; i = next.getAndIncrement()) {
                try {
                    if (failure == null) {
                        body.run(worker, i);
                    }
                } catch (RuntimeException | Error e) {
                    failure = e;
                } finally {
                    done.incrementAndGet();
                }
            }
        }

        void await() {
            long from = System.nanoTime();
            while (done.get() < chunks) {
                if (System.nanoTime() - from < AWAKE) {
                    Thread.onSpinWait();
                } else {
                    // A helper without a processor of its own takes longer; leave it this one.
                    LockSupport.parkNanos(50_000);
                }
            }
            Throwable thrown = failure;
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }
}
