package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.sun.management.OperatingSystemMXBean
import org.finetune4j.bench.ThreadSettings
import org.nd4j.linalg.api.buffer.DataType
import org.nd4j.linalg.factory.Nd4j
import java.lang.management.ManagementFactory
import kotlin.math.abs

/** `finetune env`: shows the machine, the versions and the chosen settings, and checks that ND4J computes. */
public class EnvCommand : CliktCommand(name = "env") {
    override fun help(context: Context): String =
        "Shows the machine, the versions and the settings in force, and checks that ND4J starts and computes."

    override fun run() {
        val runtime = Runtime.getRuntime()
        val machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean::class.java)
        show("system", property("os.name") + " " + property("os.version") + " " + property("os.arch"))
        show("cores", runtime.availableProcessors().toString())
        show("memory", "${mebibytes(machine.totalMemorySize)}, Java heap at most ${mebibytes(runtime.maxMemory())}")
        show("java", "${property("java.runtime.version")} (${property("java.vendor")}) in ${property("java.home")}")
        BuildInfo.components.forEach { show(it, BuildInfo.version(it)) }
        NATIVE_MEMORY_PROPERTIES.forEach { show(it, System.getProperty(it) ?: UNSET) }
        NATIVE_VARIABLES.forEach { show(it, System.getenv(it) ?: UNSET) }
        val failure = arithmeticFailure()
        show("check", failure ?: "ND4J started and a small matrix product is right")
        if (failure != null) throw ProgramResult(1)
        val threads = ThreadSettings.current()
        show("threads", threads.toString())
        threads.conflicts().forEach { show("threads fight", it) }
    }

    private fun show(name: String, value: String) {
        echo(name.padEnd(NAME_WIDTH) + value)
    }

    /** Multiplies `[2, 3]` by `[3, 2]` and compares with the product worked out by hand; null when it is right. */
    private fun arithmeticFailure(): String? = try {
        val left = Nd4j.create(floatArrayOf(1f, 2f, 3f, 4f, 5f, 6f), longArrayOf(2, 3), DataType.FLOAT)
        val right = Nd4j.create(floatArrayOf(7f, 8f, 9f, 10f, 11f, 12f), longArrayOf(3, 2), DataType.FLOAT)
        val product = left.mmul(right)
        val expected = arrayOf(floatArrayOf(58f, 64f), floatArrayOf(139f, 154f))
        val wrong = (0..1).flatMap { row -> (0..1).map { column -> row.toLong() to column.toLong() } }
            .any { (row, column) -> abs(product.getFloat(row, column) - expected[row.toInt()][column.toInt()]) > 1e-4f }
        if (wrong) "ND4J's matrix product is wrong: $product instead of [[58, 64], [139, 154]]" else null
    } catch (failure: Throwable) {
        // A missing native library surfaces as one of several Errors, so nothing narrower would do.
        generateSequence(failure) { it.cause }.joinToString(prefix = "ND4J does not start: ", separator = "; caused by ")
    }

    private fun property(name: String): String = System.getProperty(name)

    private fun mebibytes(bytes: Long): String = "${bytes / BYTES_PER_MEBIBYTE} MiB"

    private companion object {
        const val BYTES_PER_MEBIBYTE = 1024L * 1024L
        const val NAME_WIDTH = 42
        const val UNSET = "not set"
        val NATIVE_MEMORY_PROPERTIES = listOf("org.bytedeco.javacpp.maxbytes", "org.bytedeco.javacpp.maxphysicalbytes")
        val NATIVE_VARIABLES =
            listOf("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES")
    }
}
