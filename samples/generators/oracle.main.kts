/*
 * Teachers that know everything: a rule behind an endpoint on this machine that speaks OpenAI's chat completions, so that
 * methods which ask a strong model can be tried without one.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("records.main.kts")

import com.sun.net.httpserver.HttpServer
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.Executors
import kotlinx.serialization.json.*
import org.finetune4j.dsl.openAi
import org.finetune4j.methods.generate.TextSource

/**
 * An endpoint on this machine; it ends with the process.
 *
 * @param reply what the model called so answers to the last turn, with a seed that tells its draws apart
 */
class Oracle(private val reply: (model: String, asked: String, seed: Long) -> String) {
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0).apply {
        createContext("/v1/chat/completions") { exchange ->
            val request = Json.parseToJsonElement(exchange.requestBody.readBytes().decodeToString()).jsonObject
            val asked = request.getValue("messages").jsonArray.last().jsonObject.getValue("content").jsonPrimitive.content
            val text = reply(request.getValue("model").jsonPrimitive.content, asked, request["seed"]?.jsonPrimitive?.long ?: 0)
            val message = mapOf("role" to "assistant", "content" to text)
            val answer = record(
                "id" to "oracle", "object" to "chat.completion", "created" to 0, "model" to "oracle",
                "choices" to listOf(mapOf("index" to 0, "message" to message, "finish_reason" to "stop")),
                "usage" to mapOf("prompt_tokens" to 0, "completion_tokens" to 0, "total_tokens" to 0),
            ).encodeToByteArray()
            exchange.responseHeaders["Content-Type"] = "application/json"
            exchange.sendResponseHeaders(200, answer.size.toLong())
            exchange.responseBody.use { it.write(answer) }
        }
        executor = Executors.newFixedThreadPool(4) { task -> Thread(task).apply { isDaemon = true } }
        start()
    }

    /** The rule as a source of text, under the name of a [model]. */
    fun source(model: String): TextSource =
        openAi(model, url = "http://localhost:${server.address.port}/v1", keyVariable = "", parallel = 4)
}
