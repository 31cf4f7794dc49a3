package org.finetune4j.dsl

import org.finetune4j.data.DataReport
import org.finetune4j.data.RowStream
import org.finetune4j.methods.Fragment

/**
 * A source of a recipe as a setting of a fragment, which still knows how the recipe says it.
 *
 * @property source as the recipe says it
 */
internal data class SettingSource(val source: DataSource) : org.finetune4j.data.DataSource {
    override fun open(report: DataReport): RowStream = source.open().open(report)

    override fun description(): String = source.open().description()

    override fun fingerprint(): String? = source.open().fingerprint()

    override fun toString(): String = source.toString()

    companion object {
        /** The settings of [fragment] but for sources that no recipe named, which are the method's defaults. */
        fun settings(fragment: Fragment): Map<String, Any> =
            fragment.settings().filterValues { it !is org.finetune4j.data.DataSource || it is SettingSource }
    }
}
