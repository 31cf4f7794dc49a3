package org.finetune4j.scripts.host

import kotlin.script.experimental.api.ResultWithDiagnostics
import kotlin.script.experimental.api.ScriptDiagnostic
import kotlin.script.experimental.api.SourceCode
import kotlin.script.experimental.api.asSuccess
import kotlin.script.experimental.dependencies.ArtifactWithLocation
import kotlin.script.experimental.dependencies.ExternalDependenciesResolver
import kotlin.script.experimental.dependencies.RepositoryCoordinates
import java.io.File

/**
 * Answers `@file:DependsOn("org.finetune4j:...")` with what is on the class path already, so that neither a repository
 * nor the network is asked, and leaves every other coordinate to [others].
 */
internal class OwnArtifacts(
    private val version: String,
    private val others: ExternalDependenciesResolver,
) : ExternalDependenciesResolver {
    override fun acceptsRepository(repositoryCoordinates: RepositoryCoordinates): Boolean =
        others.acceptsRepository(repositoryCoordinates)

    override fun addRepository(
        repositoryCoordinates: RepositoryCoordinates,
        options: ExternalDependenciesResolver.Options,
        sourceCodeLocation: SourceCode.LocationWithId?,
    ): ResultWithDiagnostics<Boolean> = others.addRepository(repositoryCoordinates, options, sourceCodeLocation)

    override fun acceptsArtifact(artifactCoordinates: String): Boolean =
        isOwn(artifactCoordinates) || others.acceptsArtifact(artifactCoordinates)

    override suspend fun resolve(
        artifactsWithLocations: List<ArtifactWithLocation>,
        options: ExternalDependenciesResolver.Options,
    ): ResultWithDiagnostics<List<File>> {
        val (own, foreign) = artifactsWithLocations.partition { isOwn(it.artifact) }
        val reports = own.mapNotNull(::complaint)
        if (reports.any { it.severity == ScriptDiagnostic.Severity.ERROR }) return ResultWithDiagnostics.Failure(reports)
        if (foreign.isEmpty()) return emptyList<File>().asSuccess(reports)
        return when (val resolved = others.resolve(foreign, options)) {
            is ResultWithDiagnostics.Success -> resolved.value.asSuccess(reports + resolved.reports)
            is ResultWithDiagnostics.Failure -> ResultWithDiagnostics.Failure(reports + resolved.reports)
        }
    }

    private fun isOwn(coordinates: String): Boolean = coordinates.startsWith("$GROUP:")

    private fun complaint(wanted: ArtifactWithLocation): ScriptDiagnostic? {
        val name = wanted.artifact.split(':')[1]
        val wantedVersion = wanted.artifact.split(':').getOrNull(2)
        return when {
            name !in MODULES -> diagnostic(
                wanted,
                ScriptDiagnostic.Severity.ERROR,
                "finetune4j has no module '$name': use one of ${MODULES.joinToString { "$GROUP:$it:$version" }}",
            )
            wantedVersion != version -> diagnostic(
                wanted,
                ScriptDiagnostic.Severity.WARNING,
                "the script asks for ${wanted.artifact}, but this launcher is finetune4j $version and runs it with that; " +
                    "write $GROUP:$name:$version, or run the script with the launcher of its own version",
            )
            else -> null
        }
    }

    private fun diagnostic(wanted: ArtifactWithLocation, severity: ScriptDiagnostic.Severity, message: String) =
        ScriptDiagnostic(ScriptDiagnostic.unspecifiedError, message, severity, wanted.sourceCodeLocation)

    private companion object {
        const val GROUP = "org.finetune4j"
        val MODULES = listOf("dsl", "methods", "nd4j-ops", "scripts")
    }
}
