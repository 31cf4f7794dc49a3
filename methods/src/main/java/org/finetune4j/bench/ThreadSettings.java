package org.finetune4j.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * How many threads each library of this process computes on. They take turns, so that each may have all cores, but one
 * that has more than there are, or waits by spinning, takes the processor from the others.
 *
 * @param java       processors that Java sees; this project's kernels run on as many threads, and oneDNN on one within each
 * @param openMp     threads of the OpenMP that ND4J's own operations use
 * @param openBlas   threads of OpenBLAS, which multiplies matrices for ND4J's own operations
 * @param waitPolicy {@code OMP_WAIT_POLICY}, or null where it is not set
 * @param coreType   {@code OPENBLAS_CORETYPE}, the processor whose code OpenBLAS is told to use, or null
 * @param avx512     whether the processor has AVX-512
 */
public record ThreadSettings(int java, int openMp, int openBlas, @Nullable String waitPolicy, @Nullable String coreType,
                             boolean avx512) {
    /** OpenBLAS's names of processors without AVX-512 that it is known to take newer ones for. */
    private static final Set<String> OLDER = Set.of("HASWELL", "ZEN", "EXCAVATOR", "SANDYBRIDGE", "NEHALEM", "PRESCOTT");

    /** Those of this process; starts ND4J. */
    public static ThreadSettings current() {
        // The holder can be asked only after ND4J has chosen its backend.
        Nd4j.getBackend();
        return new ThreadSettings(Runtime.getRuntime().availableProcessors(),
                NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads(),
                openblas_nolapack.blas_get_num_threads(), System.getenv("OMP_WAIT_POLICY"),
                System.getenv("OPENBLAS_CORETYPE"), hasAvx512());
    }

    private static boolean hasAvx512() {
        try {
            return Files.readString(Path.of("/proc/cpuinfo")).contains(" avx512f ");
        } catch (IOException unavailable) {
            return false;
        }
    }

    /** What slows this process down, each with its mend; empty when all agree. {@code scripts/finetune} sets them right. */
    public List<String> conflicts() {
        List<String> found = new ArrayList<>();
        if (openMp != java) {
            found.add("ND4J's OpenMP has " + openMp + " threads, but Java sees " + java
                    + " processors. Set OMP_NUM_THREADS=" + java + ", or start with scripts/finetune.");
        }
        if (openBlas != java) {
            found.add("OpenBLAS has " + openBlas + " threads, but Java sees " + java
                    + " processors. Set OMP_NUM_THREADS=" + java + ", which ND4J gives to OpenBLAS too.");
        }
        if (!"passive".equalsIgnoreCase(waitPolicy)) {
            found.add("OMP_WAIT_POLICY is " + (waitPolicy == null ? "not set" : waitPolicy) + ", so that threads of OpenMP "
                    + "spin on the cores that kernels need. Set OMP_WAIT_POLICY=passive.");
        }
        if (avx512 && (coreType == null || OLDER.contains(coreType.toUpperCase(Locale.ROOT)))) {
            found.add("this processor has AVX-512, but OPENBLAS_CORETYPE is " + (coreType == null ? "not set" : coreType)
                    + ", and OpenBLAS takes some such processors for older ones. Set OPENBLAS_CORETYPE=SKYLAKEX.");
        }
        return found;
    }

    /** The numbers of threads in words. */
    @Override
    public String toString() {
        return "Java " + java + ", finetune4j's kernels " + java + " (oneDNN 1 in each), ND4J's OpenMP " + openMp
                + ", OpenBLAS " + openBlas;
    }
}
