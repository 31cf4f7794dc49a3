package org.finetune4j.dsl.study

import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.json.RecipeJson

/** Studies as JSON text. */
internal object StudyJson {
    fun write(study: Study): String {
        RecipeJson.refuseOwnWork("This study", recipes(study).flatMap { (path, recipe) -> RecipeJson.ownWork(recipe, "$path.") })
        return RecipeJson.json.encodeToString(Study.serializer(), study)
    }

    fun read(text: String): Study {
        val study = RecipeJson.read(text, Study.serializer(), "a study")
        val problems = recipes(study).flatMap { (path, recipe) -> RecipeJson.ownWork(recipe, "$path.") } + StudyCheck.problems(study)
        if (problems.isNotEmpty()) throw FinetuneException(Messages.refused("This is not a study", problems))
        return study
    }

    private fun recipes(study: Study) = study.stages.flatMapIndexed { i, stage ->
        stage.recipes.mapIndexed { j, recipe -> "stages[$i].recipes[$j]" to recipe }
    } + study.arms.flatMapIndexed { i, arm -> arm.recipes.mapIndexed { j, recipe -> "arms[$i].recipes[$j]" to recipe } }
}
