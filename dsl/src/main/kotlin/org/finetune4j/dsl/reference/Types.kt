package org.finetune4j.dsl.reference

import org.finetune4j.data.DataSource
import org.finetune4j.methods.Fragment
import java.lang.reflect.ParameterizedType
import java.lang.reflect.Type

/** Types of settings in words. */
internal object Types {
    fun nameOf(type: Type): String = when {
        type is ParameterizedType && List::class.java.isAssignableFrom(type.rawType as Class<*>) -> "a list: ${nameOf(type.actualTypeArguments[0])} each"
        type is Class<*> -> nameOf(type)
        else -> type.typeName
    }

    private fun nameOf(type: Class<*>): String = when {
        type == Int::class.java || type == Long::class.java || type == Integer::class.java || type == java.lang.Long::class.java -> "a whole number"
        type == Double::class.java || type == Float::class.java || type == java.lang.Double::class.java -> "a number"
        type == Boolean::class.java || type == java.lang.Boolean::class.java -> "true or false"
        type == String::class.java -> "a text"
        // A constant with a body of its own is of a class below the enum's.
        Enum::class.java.isAssignableFrom(type) -> (type.enumConstants ?: type.superclass.enumConstants).joinToString(" or ") { "${it as Enum<*>}".lowercase() }
        Fragment::class.java.isAssignableFrom(type) -> "a method: ${type.simpleName}"
        DataSource::class.java.isAssignableFrom(type) -> "a source of samples"
        else -> type.simpleName
    }
}
