package org.finetune4j.methods;

import java.util.Map;

/**
 * A part of a recipe: an immutable value that says which published method is used and with which settings. A fragment
 * is a record whose components are its settings, so that a setting is declared in one place.
 */
public interface Fragment {
    /** The method that this fragment is an instance of. */
    Method<? extends Fragment> method();

    /**
     * The settings by name, in the order of the method's definition; values are String, Boolean, Long, Double, enum
     * constants, lists of String or Integer, other fragments or sources of samples. {@code method().create(new
     * Settings(settings()))} equals this fragment.
     */
    default Map<String, Object> settings() {
        return Settings.of((Record) this);
    }
}
