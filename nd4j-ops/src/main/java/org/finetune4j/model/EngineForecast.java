package org.finetune4j.model;

/**
 * What passes over batches of one size need, found from the graph without computing anything.
 *
 * @param arenaBytes     intermediate arrays: exactly the size of the engine's arena
 * @param headBytes      at most so much for one chunk of the head
 * @param referenceBytes a frozen copy of the weights or the weights of a teacher, where the objective needs one
 * @param copyBytes      copies of all frozen weights that gradients pass, in the layout of {@link EngineOptions#copyBytes}
 * @param products       operations of matrix products of a training pass, a multiplication and an addition counted as two
 * @param movedBytes     bytes that its other operations read and write
 */
public record EngineForecast(long arenaBytes, long headBytes, long referenceBytes, long copyBytes, double products,
                             double movedBytes) {
}
