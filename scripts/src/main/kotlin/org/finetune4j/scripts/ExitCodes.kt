package org.finetune4j.scripts

/** The exit code of a command that finetune4j refused with a message. */
internal const val EXIT_REFUSED: Int = 2
