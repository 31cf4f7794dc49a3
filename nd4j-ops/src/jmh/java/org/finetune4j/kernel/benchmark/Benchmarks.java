package org.finetune4j.kernel.benchmark;

import java.lang.reflect.Field;
import java.util.Collection;
import java.util.Locale;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.onednn.OneDnnLimits;
import org.nd4j.linalg.api.buffer.DataType;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/**
 * Runs benchmarks as JMH's own main class does, with its options, and then prints for each its limit on this machine and
 * the share of it that was reached. A limit is the operations over the rate of the best matrix product, or the bytes
 * over the rate of copying memory, whichever takes longer; arrays that a cache holds can pass the latter.
 */
public final class Benchmarks {
    private Benchmarks() {
    }

    /** Runs the benchmarks that JMH's command line selects, such as {@code Matmul -p dtype=bf16}. */
    public static void main(String[] arguments) throws RunnerException, CommandLineOptionException,
            ReflectiveOperationException {
        CommandLineOptions options = new CommandLineOptions(arguments);
        Collection<RunResult> results = new Runner(options).run();
        try (OneDnnLimits limits = new OneDnnLimits()) {
            double f32 = limits.products(DataType.FLOAT).perSecond();
            double bf16 = bfloat16(limits, f32);
            double copying = limits.copying().perSecond();
            System.out.printf(Locale.ROOT, "%nlimits of this machine: f32 products %.1f GFLOP/s, bf16 products %.1f GFLOP/s, "
                    + "copying %.1f GB/s%n%n", f32 / 1e9, bf16 / 1e9, copying / 1e9);
            System.out.printf("%-36s %-38s %10s %10s %8s%n", "kernel", "parameters", "ms", "limit, ms", "share");
            for (RunResult result : results) {
                print(result, f32, bf16, copying);
            }
        }
    }

    private static double bfloat16(OneDnnLimits limits, double otherwise) {
        try {
            return limits.products(DataType.BFLOAT16).perSecond();
        } catch (FinetuneException thisProcessorHasNone) {
            return otherwise;
        }
    }

    private static void print(RunResult result, double f32, double bf16, double copying)
            throws ReflectiveOperationException {
        BenchmarkParams parameters = result.getParams();
        String name = parameters.getBenchmark();
        int dot = name.lastIndexOf('.');
        KernelBenchmark benchmark =
                (KernelBenchmark) Class.forName(name.substring(0, dot)).getDeclaredConstructor().newInstance();
        StringBuilder values = new StringBuilder();
        boolean isBfloat16 = false;
        for (String key : parameters.getParamsKeys()) {
            String value = parameters.getParam(key);
            isBfloat16 |= value.equals("bf16");
            set(benchmark, key, value);
            values.append(key).append('=').append(value).append(' ');
        }
        double limit = benchmark.work(name.substring(dot + 1)).limit(isBfloat16 ? bf16 : f32, copying) * 1e3;
        double milliseconds = result.getPrimaryResult().getScore();
        System.out.printf(Locale.ROOT, "%-36s %-38s %10.3f %10.3f %6.1f %%%n",
                name.substring(name.lastIndexOf('.', dot - 1) + 1).replace("Benchmark", ""), values, milliseconds, limit,
                100 * limit / milliseconds);
    }

    private static void set(KernelBenchmark benchmark, String key, String value) throws ReflectiveOperationException {
        Field field = benchmark.getClass().getField(key);
        Class<?> type = field.getType();
        field.set(benchmark, type == int.class ? (Object) Integer.parseInt(value)
                : type == long.class ? (Object) Long.parseLong(value) : value);
    }
}
