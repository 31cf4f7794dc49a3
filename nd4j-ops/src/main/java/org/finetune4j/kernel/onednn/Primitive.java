package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/** A compiled oneDNN primitive with the memory objects of its arguments, which each call points at its arrays. */
final class Primitive implements AutoCloseable {
    private final Worker worker;
    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_memory[] memories;
    private final dnnl_exec_arg_t arguments;
    private final long scratchBytes;
    private final Address address = new Address();

    /**
     * Compiles the described operation and frees the description.
     *
     * @param description  the operation; freed here
     * @param argumentIds  oneDNN's number of each argument
     * @param descriptions the memory description of each argument, owned by the caller
     */
    Primitive(Worker worker, dnnl_primitive_desc description, int[] argumentIds, dnnl_memory_desc[] descriptions) {
        this.worker = worker;
        dnnl_memory_desc scratch = dnnl.dnnl_primitive_desc_query_md(description, dnnl.dnnl_query_scratchpad_md, 0);
        scratchBytes = scratch == null ? 0 : dnnl.dnnl_memory_desc_get_size(scratch);
        check("primitive", dnnl.dnnl_primitive_create(primitive, description));
        int count = argumentIds.length + (scratchBytes > 0 ? 1 : 0);
        memories = new dnnl_memory[count];
        arguments = new dnnl_exec_arg_t(count);
        // Keeps it out of a PointerScope that the caller may have open.
        arguments.retainReference();
        for (int i = 0; i < count; i++) {
            boolean isScratch = i == argumentIds.length;
            memories[i] = new dnnl_memory();
            check("memory", dnnl.dnnl_memory_create(memories[i], isScratch ? scratch : descriptions[i], worker.engine(), null));
            arguments.position(i).arg(isScratch ? dnnl.DNNL_ARG_SCRATCHPAD : argumentIds[i]).memory(memories[i]);
        }
        arguments.position(0);
        dnnl.dnnl_primitive_desc_destroy(description);
    }

    /** Runs with five arguments at these addresses, in the order given at construction. */
    void execute(long first, long second, long third, long fourth, long fifth) {
        point(4, fifth);
        execute(first, second, third, fourth);
    }

    /** Runs with four arguments at these addresses, in the order given at construction. */
    void execute(long first, long second, long third, long fourth) {
        point(3, fourth);
        execute(first, second, third);
    }

    /** Runs with three arguments at these addresses, in the order given at construction. */
    void execute(long first, long second, long third) {
        point(2, third);
        execute(first, second);
    }

    /** Runs with two arguments at these addresses, in the order given at construction. */
    void execute(long first, long second) {
        point(0, first);
        point(1, second);
        execute();
    }

    /** Runs with arguments at these addresses, in the order given at construction. */
    void execute(long[] addresses) {
        for (int i = 0; i < addresses.length; i++) {
            point(i, addresses[i]);
        }
        execute();
    }

    private void execute() {
        if (scratchBytes > 0) {
            point(memories.length - 1, worker.scratchpad(scratchBytes));
        }
        check("execution", dnnl.dnnl_primitive_execute(primitive, worker.stream(), memories.length, arguments));
    }

    private void point(int argument, long value) {
        check("address", dnnl.dnnl_memory_set_data_handle(memories[argument], address.at(value)));
    }

    /** Compiles a copy of numbers from one layout or type to another of the same shape, and frees both descriptions. */
    static Primitive reorder(Worker worker, Object what, dnnl_memory_desc source, dnnl_memory_desc target) {
        dnnl_primitive_attr attributes = attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            check(what.toString(), dnnl.dnnl_reorder_primitive_desc_create(description, source, worker.engine(), target,
                    worker.engine(), attributes));
            return new Primitive(worker, description, new int[] {dnnl.DNNL_ARG_FROM, dnnl.DNNL_ARG_TO},
                    new dnnl_memory_desc[] {source, target});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(target);
        }
    }

    /** Attributes of a primitive that takes its scratch memory from its worker; the caller destroys them. */
    static dnnl_primitive_attr attributes() {
        dnnl_primitive_attr attributes = new dnnl_primitive_attr();
        check("attributes", dnnl.dnnl_primitive_attr_create(attributes));
        check("scratch memory", dnnl.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl.dnnl_scratchpad_mode_user));
        return attributes;
    }

    /** oneDNN's number of a type. */
    static int type(boolean bfloat16) {
        return bfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32;
    }

    /** A description of row-major or strided memory; the caller destroys it. */
    static dnnl_memory_desc describe(int type, long[] shape, long[] strides) {
        dnnl_memory_desc description = new dnnl_memory_desc();
        check("memory of shape " + Arrays.toString(shape),
                dnnl.dnnl_memory_desc_create_with_strides(description, shape.length, shape, type, strides));
        return description;
    }

    static void check(String what, int status) {
        if (status != dnnl.dnnl_success) {
            throw new IllegalStateException("oneDNN refused " + what + " with status " + status
                    + "; where supports(type) says no the processor lacks the type, use FLOAT or the nd4j kernels");
        }
    }

    @Override
    public void close() {
        dnnl.dnnl_primitive_destroy(primitive);
        for (dnnl_memory memory : memories) {
            dnnl.dnnl_memory_destroy(memory);
        }
        arguments.releaseReference();
    }
}
