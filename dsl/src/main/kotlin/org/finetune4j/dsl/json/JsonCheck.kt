package org.finetune4j.dsl.json

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.descriptors.PolymorphicKind
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.descriptors.elementDescriptors
import kotlinx.serialization.descriptors.elementNames
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.longOrNull
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Problem

/** Compares JSON with what a serialisable class expects and finds everything that does not fit, not only the first. */
@OptIn(ExperimentalSerializationApi::class)
internal class JsonCheck {
    val problems: MutableList<Problem> = mutableListOf()

    fun check(element: JsonElement, expected: SerialDescriptor, path: String) {
        if (element is JsonNull) {
            if (!expected.isNullable) refuse(path, Messages.wrongType("null", "a value"))
            return
        }
        val fragment = FragmentSerializer.kindOf(expected)
        when {
            fragment != null -> FragmentJson.read(fragment, element, path, problems::add)
            expected.isInline -> check(element, expected.getElementDescriptor(0), path)
            else -> checkKind(element, expected, path)
        }
    }

    private fun checkKind(element: JsonElement, expected: SerialDescriptor, path: String) = when (expected.kind) {
        StructureKind.CLASS, StructureKind.OBJECT -> checkObject(element, expected, path, otherKeys = emptySet())
        StructureKind.LIST -> checkList(element, expected, path)
        PolymorphicKind.SEALED -> checkSealed(element, expected, path)
        SerialKind.ENUM -> checkChoice(element, expected, path)
        is PrimitiveKind -> checkPrimitive(element, expected.kind, path)
        else -> error("$path: a recipe holds no ${expected.kind}")
    }

    private fun checkObject(element: JsonElement, expected: SerialDescriptor, path: String, otherKeys: Set<String>) {
        val parts = element as? JsonObject ?: return refuse(path, Messages.wrongType(element.toString(), "an object"))
        val known = expected.elementNames.toSet()
        for ((key, value) in parts) {
            when (key) {
                in known -> check(value, expected.getElementDescriptor(expected.getElementIndex(key)), at(path, key))
                !in otherKeys -> refuse(at(path, key), Messages.unknownKey(key, known))
            }
        }
        expected.elementNames.forEachIndexed { i, name ->
            if (name !in parts && !expected.isElementOptional(i)) refuse(path, Messages.missingKey(name))
        }
    }

    private fun checkList(element: JsonElement, expected: SerialDescriptor, path: String) {
        val items = element as? JsonArray ?: return refuse(path, Messages.wrongType(element.toString(), "a list"))
        items.forEachIndexed { i, item -> check(item, expected.getElementDescriptor(0), "$path[$i]") }
    }

    private fun checkSealed(element: JsonElement, expected: SerialDescriptor, path: String) {
        val parts = element as? JsonObject ?: return refuse(path, Messages.wrongType(element.toString(), "an object"))
        val type = (parts[TYPE] as? JsonPrimitive)?.contentOrNull ?: return refuse(path, Messages.missingKey(TYPE))
        // Element 1 of a sealed descriptor lists the subclasses by their serial names.
        val subclasses = expected.getElementDescriptor(1).elementDescriptors.associateBy { it.serialName }
        val subclass = subclasses[type] ?: return refuse(at(path, TYPE), Messages.unknownName(type, subclasses.keys))
        checkObject(element, subclass, path, otherKeys = setOf(TYPE))
    }

    private fun checkChoice(element: JsonElement, expected: SerialDescriptor, path: String) {
        val name = (element as? JsonPrimitive)?.contentOrNull ?: element.toString()
        if (name !in expected.elementNames) refuse(path, Messages.unknownName(name, expected.elementNames.toList()))
    }

    private fun checkPrimitive(element: JsonElement, kind: SerialKind, path: String) {
        val value = element as? JsonPrimitive
        val (fits, wanted) = when (kind) {
            PrimitiveKind.STRING -> (value?.isString == true) to "a text"
            PrimitiveKind.BOOLEAN -> (value?.isString == false && value.booleanOrNull != null) to "true or false"
            PrimitiveKind.INT -> (number(value)?.longOrNull?.let { it == it.toInt().toLong() } == true) to "a whole number"
            PrimitiveKind.LONG -> (number(value)?.longOrNull != null) to "a whole number"
            PrimitiveKind.DOUBLE -> (number(value)?.doubleOrNull != null) to "a number"
            else -> error("$path: a recipe holds no $kind")
        }
        if (!fits) refuse(path, Messages.wrongType(element.toString(), wanted))
    }

    private fun number(value: JsonPrimitive?): JsonPrimitive? = value?.takeIf { !it.isString }

    private fun refuse(path: String, message: String) {
        problems += Problem(path.ifEmpty { "recipe" }, message)
    }

    private fun at(path: String, key: String) = if (path.isEmpty()) key else "$path.$key"

    companion object {
        /** The key under which a sealed class says which of its classes it is. */
        const val TYPE = "type"

        /** All that does not fit. */
        fun problems(element: JsonElement, expected: SerialDescriptor, path: String): List<Problem> =
            JsonCheck().apply { check(element, expected, path) }.problems
    }
}
