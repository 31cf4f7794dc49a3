package org.finetune4j.dsl.json

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.InternalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.buildSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonEncoder
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Method
import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.data.DataMethod
import org.finetune4j.methods.decode.Decoder as ChoiceDecoder
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.select.Selecting

/** Writes and reads the fragments of one kind by way of [FragmentJson]. */
internal abstract class FragmentSerializer<F : Fragment>(val kind: Method.Kind, private val type: Class<F>) : KSerializer<F> {
    @OptIn(InternalSerializationApi::class, ExperimentalSerializationApi::class)
    override val descriptor: SerialDescriptor = buildSerialDescriptor(NAME + kind, SerialKind.CONTEXTUAL)

    override fun serialize(encoder: Encoder, value: F): Unit = (encoder as JsonEncoder).encodeJsonElement(FragmentJson.write(value))

    override fun deserialize(decoder: Decoder): F {
        val element = (decoder as JsonDecoder).decodeJsonElement()
        return type.cast(FragmentJson.read(kind, element, kind.name.lowercase()) { throw SerializationException(it.toString()) })
    }

    companion object {
        private const val NAME = "org.finetune4j.methods.Fragment/"

        /** The kind of fragment that a property with this [descriptor] holds, or null when it holds something else. */
        @OptIn(ExperimentalSerializationApi::class)
        fun kindOf(descriptor: SerialDescriptor): Method.Kind? = descriptor.serialName.removeSuffix("?")
            .takeIf { it.startsWith(NAME) }?.let { Method.Kind.valueOf(it.removePrefix(NAME)) }
    }
}

internal object ObjectiveSerializer : FragmentSerializer<Objective>(Method.Kind.OBJECTIVE, Objective::class.java)

internal object SelectorSerializer : FragmentSerializer<Selecting>(Method.Kind.SELECT, Selecting::class.java)

internal object AdapterSerializer : FragmentSerializer<Adapter>(Method.Kind.ADAPT, Adapter::class.java)

internal object MetricSerializer : FragmentSerializer<Metric>(Method.Kind.EVALUATE, Metric::class.java)

internal object DecoderSerializer : FragmentSerializer<ChoiceDecoder>(Method.Kind.DECODE, ChoiceDecoder::class.java)

internal object DataMethodSerializer : FragmentSerializer<DataMethod>(Method.Kind.DATA, DataMethod::class.java)
