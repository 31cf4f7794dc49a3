package org.finetune4j.kernel.onednn;

import org.bytedeco.javacpp.Pointer;

/** A pointer that can be moved to any address, so that a call needs no new object. It owns nothing. */
final class Address extends Pointer {
    Address() {
        super((Pointer) null);
    }

    Address at(long value) {
        address = value;
        return this;
    }
}
