package org.finetune4j.scripts.host

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import java.io.File
import kotlin.script.experimental.api.ResultWithDiagnostics
import kotlin.script.experimental.api.SourceCode
import kotlin.script.experimental.api.asSuccess
import kotlin.script.experimental.dependencies.ArtifactWithLocation
import kotlin.script.experimental.dependencies.ExternalDependenciesResolver
import kotlin.script.experimental.dependencies.RepositoryCoordinates

class OwnArtifactsTest : FunSpec({
    suspend fun resolve(resolver: OwnArtifacts, vararg coordinates: String) =
        resolver.resolve(coordinates.map { ArtifactWithLocation(it, null) }, ExternalDependenciesResolver.Options.Empty)

    test("own modules are answered without asking anybody") {
        val asked = Asked()
        val result = resolve(OwnArtifacts("1.2.3", asked), "org.finetune4j:dsl:1.2.3", "org.finetune4j:nd4j-ops:1.2.3")
        result.shouldBeInstanceOf<ResultWithDiagnostics.Success<List<File>>>().value.shouldBeEmpty()
        result.reports.shouldBeEmpty()
        asked.artifacts.shouldBeEmpty()
    }

    test("other artifacts are passed on, own ones are not") {
        val asked = Asked()
        val result = resolve(OwnArtifacts("1.2.3", asked), "org.finetune4j:dsl:1.2.3", "org.finetune4j.other:x:1")
        result.shouldBeInstanceOf<ResultWithDiagnostics.Success<List<File>>>().value shouldBe listOf(Asked.JAR)
        asked.artifacts shouldBe listOf("org.finetune4j.other:x:1")
    }

    test("another version runs with a warning that names both") {
        val result = resolve(OwnArtifacts("1.2.3", Asked()), "org.finetune4j:dsl:9.9.9")
        result.shouldBeInstanceOf<ResultWithDiagnostics.Success<List<File>>>()
        result.reports.single().message shouldContain "asks for org.finetune4j:dsl:9.9.9, but this launcher is finetune4j 1.2.3"
    }

    test("a module that does not exist is refused with those that do") {
        val result = resolve(OwnArtifacts("1.2.3", Asked()), "org.finetune4j:core:1.2.3")
        result.shouldBeInstanceOf<ResultWithDiagnostics.Failure>()
        result.reports.single().message shouldContain "no module 'core': use one of org.finetune4j:dsl:1.2.3"
    }
})

/** Stands for Maven's resolver and remembers what it was asked for. */
private class Asked : ExternalDependenciesResolver {
    val artifacts = mutableListOf<String>()

    override fun acceptsRepository(repositoryCoordinates: RepositoryCoordinates) = true

    override fun acceptsArtifact(artifactCoordinates: String) = true

    override fun addRepository(
        repositoryCoordinates: RepositoryCoordinates,
        options: ExternalDependenciesResolver.Options,
        sourceCodeLocation: SourceCode.LocationWithId?,
    ): ResultWithDiagnostics<Boolean> = true.asSuccess()

    override suspend fun resolve(
        artifactsWithLocations: List<ArtifactWithLocation>,
        options: ExternalDependenciesResolver.Options,
    ): ResultWithDiagnostics<List<File>> {
        artifacts += artifactsWithLocations.map { it.artifact }
        return listOf(JAR).asSuccess()
    }

    companion object {
        val JAR = File("resolved.jar")
    }
}
