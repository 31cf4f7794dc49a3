package org.finetune4j.dsl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import org.finetune4j.data.FileSource
import org.finetune4j.data.QuerySource
import org.finetune4j.data.read.FileKind

/** Records in files, of which an SQL condition may choose. */
@Serializable
public sealed interface RecordFiles : DataSource {
    /**
     * The file, a folder with files, or a pattern such as `data/<any>.jsonl` with `*`, `**`, `?`, `[...]` or `{...}`.
     */
    public val file: String

    /** Where records keep their parts. */
    public val fields: Fields

    /** The SQL condition that records must meet; empty for all of them. */
    public val where: String

    /**
     * Only the records of these that also meet an SQL [condition] over their fields, such as `"level > 2 AND lang =
     * 'en'"`. It holds no query of its own and calls nothing that answers otherwise another time, such as `random()`.
     */
    public fun filter(condition: String): RecordFiles
}

/** Two conditions as one. */
private fun both(first: String, second: String) = if (first.isEmpty()) second else "($first) AND ($second)"

private fun text(files: RecordFiles, function: String): String {
    val filter = if (files.where.isEmpty()) "" else ".filter(${quoted(files.where)})"
    return call(function, quoted(files.file), "fields" to files.fields.literal()) + filter
}

private fun source(files: RecordFiles, kind: FileKind?) = FileSource(files.file, kind, files.fields.mapping(), files.where)

/** JSON lines; [jsonl] makes one. */
@Serializable
@SerialName("jsonl")
public data class JsonLinesFile(
    override val file: String,
    override val fields: Fields = Fields(),
    override val where: String = "",
) : RecordFiles {
    override fun open(): org.finetune4j.data.DataSource = source(this, FileKind.JSON_LINES)

    override fun withCandidates(field: String): DataSource = copy(fields = fields.withCandidates(field))

    override fun filter(condition: String): RecordFiles = copy(where = both(where, condition))

    override fun toString(): String = text(this, "jsonl")
}

/** JSON; [json] makes one. */
@Serializable
@SerialName("json")
public data class JsonFile(
    override val file: String,
    override val fields: Fields = Fields(),
    override val where: String = "",
) : RecordFiles {
    override fun open(): org.finetune4j.data.DataSource = source(this, FileKind.JSON)

    override fun withCandidates(field: String): DataSource = copy(fields = fields.withCandidates(field))

    override fun filter(condition: String): RecordFiles = copy(where = both(where, condition))

    override fun toString(): String = text(this, "json")
}

/**
 * A table as text; [csv] and [tsv] make one.
 *
 * @property tabs whether tabulators part the values, not commas
 */
@Serializable
@SerialName("csv")
public data class CsvFile(
    override val file: String,
    public val tabs: Boolean = false,
    override val fields: Fields = Fields(),
    override val where: String = "",
) : RecordFiles {
    override fun open(): org.finetune4j.data.DataSource = source(this, if (tabs) FileKind.TSV else FileKind.CSV)

    override fun withCandidates(field: String): DataSource = copy(fields = fields.withCandidates(field))

    override fun filter(condition: String): RecordFiles = copy(where = both(where, condition))

    override fun toString(): String = text(this, if (tabs) "tsv" else "csv")
}

/** Parquet; [parquet] makes one. */
@Serializable
@SerialName("parquet")
public data class ParquetFile(
    override val file: String,
    override val fields: Fields = Fields(),
    override val where: String = "",
) : RecordFiles {
    override fun open(): org.finetune4j.data.DataSource = source(this, FileKind.PARQUET)

    override fun withCandidates(field: String): DataSource = copy(fields = fields.withCandidates(field))

    override fun filter(condition: String): RecordFiles = copy(where = both(where, condition))

    override fun toString(): String = text(this, "parquet")
}

/** Files of any kind, which their names tell; [folder] makes one. */
@Serializable
@SerialName("folder")
public data class DataFolder(
    override val file: String,
    override val fields: Fields = Fields(),
    override val where: String = "",
) : RecordFiles {
    override fun open(): org.finetune4j.data.DataSource = source(this, kind = null)

    override fun withCandidates(field: String): DataSource = copy(fields = fields.withCandidates(field))

    override fun filter(condition: String): RecordFiles = copy(where = both(where, condition))

    override fun toString(): String = text(this, "folder")
}

/**
 * The rows of a query; [sql] makes one.
 *
 * @property query one SELECT in DuckDB's SQL
 * @property fields where rows keep their parts
 */
@Serializable
@SerialName("sql")
public data class SqlQuery(public val query: String, public val fields: Fields = Fields()) : DataSource {
    override fun open(): org.finetune4j.data.DataSource = QuerySource(query, fields.mapping())

    override fun withCandidates(field: String): DataSource = copy(fields = fields.withCandidates(field))

    override fun toString(): String = call("sql", quoted(query), "fields" to fields.literal())
}

private fun Fields.withCandidates(field: String) = if (field == "responses") this else copy(responses = field)

/**
 * Samples in JSON lines, UTF-8: one object a line, in one of the shapes that [fields] knows. [file] may be a folder or
 * a pattern, and files may be packed (`.gz`, `.zst`), here as in the functions below.
 */
public fun jsonl(file: String, fields: Fields = fields()): RecordFiles = JsonLinesFile(file, fields)

/** Samples in a JSON array, or in an object with one array. */
public fun json(file: String, fields: Fields = fields()): RecordFiles = JsonFile(file, fields)

/**
 * Samples in a table whose first line names the fields; values that hold commas, quotes or line breaks stand in quotes.
 */
public fun csv(file: String, fields: Fields = fields()): RecordFiles = CsvFile(file, tabs = false, fields)

/** As [csv], with tabulators in place of commas. */
public fun tsv(file: String, fields: Fields = fields()): RecordFiles = CsvFile(file, tabs = true, fields)

/** Samples in Apache Parquet. */
public fun parquet(file: String, fields: Fields = fields()): RecordFiles = ParquetFile(file, fields)

/** Samples in all files below a folder, or in one file; endings tell what each is made of. */
public fun folder(path: String, fields: Fields = fields()): RecordFiles = DataFolder(path, fields)

/**
 * Samples that a query reads from files, in DuckDB's SQL, such as `sql("select question as prompt, response from
 * 'x.parquet' where level > 2 order by id")`. Without `order by`, a run can go on only while the rows come in the same
 * order.
 */
public fun sql(query: String, fields: Fields = fields()): DataSource = SqlQuery(query, fields)
