/** Benchmarks of single kernels, each with its own limit: {@code mvn -q -Pbenchmarks -pl nd4j-ops verify}. */
@NullMarked
package org.finetune4j.kernel.benchmark;

import org.jspecify.annotations.NullMarked;
