package org.finetune4j.model.family;

/**
 * A tensor of a checkpoint.
 *
 * @param name  its Hugging Face name
 * @param shape its shape
 * @param role  what it is for
 */
public record Weight(String name, long[] shape, Role role) {
    /** What a tensor is for; this tells how fresh ones begin and what may attach to them. */
    public enum Role {
        /** A table of rows by token or position, or the head. */
        TABLE,
        /** The matrix {@code [outputs, inputs]} of a linear layer, to which adapters may attach. */
        LINEAR,
        /** The matrix {@code [inputs, outputs]} of a linear layer, to which adapters may attach. */
        TURNED_LINEAR,
        /** A matrix of a layer that adapters leave alone, such as a router. */
        MATRIX,
        /** The matrix {@code [outputs, inputs]} of an expert, which adapters leave alone. */
        EXPERT,
        /** The factors of a norm: fresh ones are one. */
        FACTORS,
        /** A bias, or factors that one is added to: fresh ones are zero. */
        OFFSETS
    }

    /** Whether adapters may attach to the linear layer that it belongs to. */
    public boolean linear() {
        return role == Role.LINEAR || role == Role.TURNED_LINEAR;
    }

    /** This tensor for another use. */
    Weight as(Role other) {
        return new Weight(name, shape, other);
    }

    /** Whether it may be kept as bytes with a scale for each row. */
    public boolean quantizable() {
        return role == Role.LINEAR || role == Role.EXPERT;
    }

    /** The module path: the name without {@code .weight}. */
    public String site() {
        return name.substring(0, name.length() - ".weight".length());
    }

    /** Width of a linear layer's input. */
    public long inputs() {
        return shape[role == Role.TURNED_LINEAR ? 0 : 1];
    }

    /** Width of a linear layer's output. */
    public long outputs() {
        return shape[role == Role.TURNED_LINEAR ? 1 : 0];
    }

    /** Number of elements. */
    public long count() {
        long count = 1;
        for (long extent : shape) {
            count *= extent;
        }
        return count;
    }
}
