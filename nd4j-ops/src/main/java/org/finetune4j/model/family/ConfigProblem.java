package org.finetune4j.model.family;

/** Something in a {@code config.json} that cannot be honoured. */
public final class ConfigProblem extends IllegalArgumentException {
    private static final long serialVersionUID = 1;
    private static final String RESTORE = "Restore config.json from where the model came from";

    private final String mend;

    /** Something that the file's source would not have. */
    public ConfigProblem(String found) {
        this(found, RESTORE);
    }

    /**
     * Something with a mend of its own.
     *
     * @param found what is wrong, naming the field, without a full stop
     * @param mend  what to do, without a full stop
     */
    public ConfigProblem(String found, String mend) {
        super(found);
        this.mend = mend;
    }

    /** What to do about a refused configuration, without a full stop. */
    public static String mend(IllegalArgumentException problem) {
        return problem instanceof ConfigProblem own ? own.mend : RESTORE;
    }
}
