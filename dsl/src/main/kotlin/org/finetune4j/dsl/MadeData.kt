package org.finetune4j.dsl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import org.finetune4j.dsl.json.DataMethodSerializer
import org.finetune4j.methods.data.DataMethod

/**
 * Samples that a method makes, of nothing or of other sources; [made] makes one, and so do the functions that bear a
 * method's name, such as [sokoban].
 *
 * @property by the method
 * @property of what it makes them of, none for a generator
 */
@Serializable
@SerialName("made")
public data class MadeData(
    @Serializable(with = DataMethodSerializer::class)
    public val by: DataMethod,
    public val of: List<DataSource> = emptyList(),
) : DataSource {
    override fun open(): org.finetune4j.data.DataSource = by.of(*of.map { it.open() }.toTypedArray())

    override fun withCandidates(field: String): DataSource = copy(of = of.map { it.withCandidates(field) })

    override fun toString(): String {
        val side = by.settings()[SIDE] as? Enum<*>
        val settings = by.settings().filterKeys { it != SIDE }.map { (name, value) -> name to literal(value) }
        val more = of.drop(1).map { it.toString() }
        val call = call(by.method().name(), more.joinToString(", ").ifEmpty { null }, *settings.toTypedArray())
        return listOfNotNull(of.firstOrNull()?.toString(), call, side?.let { it.name.lowercase() }).joinToString(".")
    }

    private companion object {
        /** The setting that says which of two handles on the same data this is. */
        const val SIDE = "side"
    }
}

/** What a method of your own, or one of the catalogue, makes [of] other sources; a generator takes none. */
public fun made(by: DataMethod, vararg of: DataSource): DataSource = MadeData(by, of.toList())
