#!/usr/bin/env kotlin
/*
 * Any data in, any tool reads what comes out: samples by a query, DoRA, an answer held to a form, an adapter in PEFT's
 * layout and a GGUF file. Run it from the project's root:
 *
 *     scripts/finetune run samples/formats.main.kts
 *
 * An argument limits the optimiser steps: `... samples/formats.main.kts 5`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import org.finetune4j.dsl.*

val steps = args.firstOrNull()?.toLong()

val worked = sql(
    """
    select prompt, [r.text for r in responses if r.source = 'steps'][1] as response
    from 'samples/data/quickstart-candidates.jsonl'
    where response is not null
    order by prompt
    """.trimIndent(),
)

val tuned = finetune {
    base("samples/models/tiny")
    data(worked.deduplicate())
    split(heldOut = 0.05)
    objective(sft())
    adapt(dora(rank = 8))                                      // Weight-Decomposed Low-Rank Adaptation
    train {
        if (steps == null) epochs = 2 else maxSteps = steps
        tokensPerBatch = 2048
        optimizer = adamW(lr = 2e-3)
        precision = bf16
    }
    output(if (steps == null) "runs/formats" else "runs/formats-$steps")
}
val step = """\d{1,3} [-+*] \d{1,3} = \d{1,3}\."""
println(tuned.generate("Lucy has 74 tickets. She sells 18. She makes 12 more. How many tickets does Lucy have now?") {
    maxNewTokens = 64
    regex("""$step( $step)*\n#### \d{1,3}""")
})
tuned.saveAdapter("${tuned.folder}/adapter")
tuned.saveGguf("${tuned.folder}/model.gguf", GgufType.Q8_0)
println("An adapter for PEFT and a model for llama.cpp are in ${tuned.folder}")
