package org.finetune4j.dsl.pipeline

/** Every refusal of a pipeline: what was found, why it is refused and what to do. */
internal object PipelineMessages {
    const val NO_NAME: String = "the pipeline has no name, and its folder is called by it. Give it one: pipeline(\"name\") { }."

    const val NO_STAGES: String = "there is no stage, so that there is nothing to run. Add stage(\"name\") { data(...) }."

    fun sameName(name: String): String = "two stages are called '$name'. Give every stage a name of its own."

    fun ownOutput(stage: String): String =
        "stage '$stage' says output(...), but every stage has a folder of its own. Remove it, or name the pipeline's folder."

    fun ownStart(stage: String): String =
        "stage '$stage' says continueFrom(...), but it begins with the weights of the stage before it. Remove it; only the first " +
            "stage may continue from another run."

    fun otherPart(before: String, after: String, part: String, was: String, is_: String): String =
        "stages '$before' and '$after' have different parts '$part': $was and $is_, so that the weights of the one do not fit the " +
            "other. Say it once, in common { }; to merge an adapter first, save(...) the tuned model and begin another pipeline " +
            "from that folder."

    fun noCheckpoints(stage: String): String =
        "stage '$stage' writes no checkpoints, so that the next one has no weights to begin with. Set train.checkpointEvery to " +
            "at least 1."

    fun otherFolder(stage: String, own: String): String =
        "stage '$stage' must write to $own and continue from the stage before it. Correct its output and continueFrom."

    fun otherStart(stage: String, folder: String): String =
        "stage '$stage': $folder holds a run that began with other weights than the stage before it has now. Delete that folder " +
            "to train the stage again, or name another folder for this pipeline."
}
