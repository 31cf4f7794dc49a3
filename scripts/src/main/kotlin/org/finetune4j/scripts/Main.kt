package org.finetune4j.scripts

import com.github.ajalt.clikt.core.main
import com.github.ajalt.clikt.core.subcommands
import kotlin.system.exitProcess

/** Runs the `finetune` command line; the process ends with the command's exit code. */
public fun main(arguments: Array<String>) {
    FinetuneCommand().subcommands(RunCommand(), GenerateCommand(), ExportCommand(), BenchCommand(), MethodsCommand(), EnvCommand()).main(arguments)
    // Native thread pools of a recipe must not keep a finished process alive.
    exitProcess(0)
}
