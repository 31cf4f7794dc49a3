package org.finetune4j.model;

/** Neighbouring operations that are computed as one; each can be turned off, which changes results by rounding only. */
public enum Fusion {
    /** The rotary embedding is applied where attention reads its queries and keys. */
    ROTARY_ATTENTION,
    /** Linear layers that read the same input are multiplied together. */
    LINEAR_GROUPS,
    /** Sums along the residual stream are taken where their terms are made. */
    RESIDUAL
}
