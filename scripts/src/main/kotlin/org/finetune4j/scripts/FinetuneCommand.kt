package org.finetune4j.scripts

import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.NoOpCliktCommand
import com.github.ajalt.clikt.parameters.options.versionOption

/** The root of the command line; every subcommand is one file of this package. */
public class FinetuneCommand : NoOpCliktCommand(name = "finetune") {
    init {
        versionOption(BuildInfo.version("finetune4j"), names = setOf("--version"), message = { "finetune4j $it" })
    }

    override fun help(context: Context): String = "Fine-tunes language models from Kotlin script recipes."
}
