package org.finetune4j.dsl

import org.finetune4j.methods.generate.LocalModel
import org.finetune4j.methods.generate.OpenAi
import org.finetune4j.methods.generate.Policy
import org.finetune4j.methods.generate.TextSource

/** Text by the model that is about to be trained, with the weights that training starts from. */
public fun policy(): TextSource = Policy()

/**
 * Text by another model in a [folder] on this machine, in the Hugging Face layout and with a chat template. It is loaded
 * with the precision and the kernels of the run.
 *
 * @throws org.finetune4j.FinetuneException when the name is blank
 */
public fun localModel(folder: String): TextSource = LocalModel(folder)

/**
 * Text by a [model] behind an HTTP endpoint that speaks OpenAI's chat completions, wherever it runs: OpenAI, vLLM, Ollama,
 * llama.cpp and many others. The key is read from the environment and never written down; answers are kept in the run's
 * folder, so that none is paid for twice.
 *
 * @param model the model's name at the endpoint
 * @param url the endpoint up to before `/chat/completions`
 * @param keyVariable the environment variable that holds the key; empty where no key is needed
 * @param parallel requests that are under way at the same time, at least 1
 * @param requestsPerMinute most requests begun in a minute, spread evenly; 0 for no limit
 * @param retries how often a request is repeated that failed for a while, with growing pauses, at least 0
 * @param timeoutSeconds after which a request counts as failed, positive
 * @param promptPrice price of a million prompt tokens, for the plan; 0 where it is not known
 * @param answerPrice price of a million answer tokens, for the plan; 0 where it is not known
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun openAi(
    model: String = "gpt-4o-mini",
    url: String = "https://api.openai.com/v1",
    keyVariable: String = "OPENAI_API_KEY",
    parallel: Int = 4,
    requestsPerMinute: Double = 0.0,
    retries: Int = 6,
    timeoutSeconds: Double = 120.0,
    promptPrice: Double = 0.0,
    answerPrice: Double = 0.0,
): TextSource = OpenAi(model, url, keyVariable, parallel, requestsPerMinute, retries, timeoutSeconds, promptPrice, answerPrice)
