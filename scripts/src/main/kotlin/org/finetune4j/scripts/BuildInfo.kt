package org.finetune4j.scripts

import java.util.Properties

/** The versions that this build was made with, written by Maven into `finetune4j.properties`. */
internal object BuildInfo {
    private val versions: Properties = Properties().apply {
        BuildInfo::class.java.getResourceAsStream("/finetune4j.properties")!!.use(::load)
    }

    /** The names of the components in the order in which they are shown. */
    val components: List<String> = listOf("finetune4j", "kotlin", "nd4j", "javacpp", "openblas", "dnnl")

    /** The version of one of [components]. */
    fun version(component: String): String = versions.getProperty(component)
}
