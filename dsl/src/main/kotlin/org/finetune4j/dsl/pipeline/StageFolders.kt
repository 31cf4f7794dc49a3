package org.finetune4j.dsl.pipeline

import org.finetune4j.dsl.study.StudyDraft

/** Where stages keep their runs. */
internal object StageFolders {
    /** The folder of the stage called [name] at [place], counted from 0, in a pipeline's [folder]. */
    fun of(folder: String, place: Int, name: String): String = "$folder/${place + 1}-${StudyDraft.fileName(name, "stage")}"
}
