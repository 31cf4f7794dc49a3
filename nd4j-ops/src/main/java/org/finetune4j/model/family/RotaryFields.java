package org.finetune4j.model.family;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads rotary positions from a {@code config.json}: {@code rope_theta} with {@code rope_scaling}, or everything in
 * {@code rope_parameters}, as newer writers have it.
 */
final class RotaryFields {
    private static final String ORIGINAL = "original_max_position_embeddings";

    private final ConfigFields config;
    private final @Nullable ConfigFields rope;
    private final int headDimension;
    private final int original;

    private RotaryFields(ConfigFields config, @Nullable ConfigFields rope, int headDimension, int original) {
        this.config = config;
        this.rope = rope;
        this.headDimension = headDimension;
        this.original = original;
    }

    /**
     * The positions of all layers.
     *
     * @param theta   base of the wave lengths where none is given
     * @param partial which part of a head is turned where nothing says it
     */
    static Rotary read(ConfigFields config, int headDimension, double theta, double partial) {
        return read(config, headDimension, theta, partial, 0);
    }

    /**
     * The positions of all layers.
     *
     * @param theta    base of the wave lengths where none is given
     * @param partial  which part of a head is turned where nothing says it
     * @param original longest text of pretraining where longrope's fields do not say it, 0 for the longest text
     */
    static Rotary read(ConfigFields config, int headDimension, double theta, double partial, int original) {
        ConfigFields parameters = config.object("rope_parameters");
        return new RotaryFields(config, parameters != null ? parameters : config.object("rope_scaling"), headDimension,
                original).rotary(config.real("rope_theta", theta), config.real("partial_rotary_factor", partial));
    }

    /** The positions that turn whole heads. */
    static Rotary read(ConfigFields config, int headDimension, double theta) {
        config.requireOnly("partial_rotary_factor", 1);
        return read(config, headDimension, theta, 1);
    }

    /**
     * The positions of layers of one type, which newer writers keep apart within {@code rope_parameters}.
     *
     * @param theta   base of the wave lengths where the newer spelling gives none
     * @param scaling the older spelling's {@code rope_scaling} for these layers, or null
     */
    static Rotary ofType(ConfigFields config, String type, int headDimension, double theta,
                         @Nullable ConfigFields scaling) {
        ConfigFields parameters = config.object("rope_parameters");
        ConfigFields own = parameters == null ? null : parameters.object(type);
        return new RotaryFields(config, own != null ? own : scaling, headDimension, 0).rotary(theta, 1);
    }

    private Rotary rotary(double theta, double partial) {
        double base = rope == null ? theta : rope.real("rope_theta", theta);
        double part = rope == null ? partial : rope.real("partial_rotary_factor", partial);
        int dimensions = (int) (headDimension * part);
        return new Rotary(headDimension, dimensions, base, rope == null ? new RotaryScaling.None() : scaling(rope, dimensions));
    }

    private RotaryScaling scaling(ConfigFields fields, int dimensions) {
        String name = fields.has("rope_type") ? "rope_type" : "type";
        return switch (fields.text(name, "default")) {
            case "default" -> new RotaryScaling.None();
            case "linear" -> new RotaryScaling.Linear(fields.factor("factor"));
            case "dynamic" -> new RotaryScaling.Dynamic(fields.factor("factor"), longest());
            case "llama3" -> llama3(fields);
            // The first files of Phi-3 call theirs su or yarn, which the lists of divisors tell from the other yarn.
            case "yarn" -> fields.has("short_factor") ? longRope(fields, dimensions / 2) : yarn(fields);
            case "longrope", "su" -> longRope(fields, dimensions / 2);
            default -> throw fields.notBuilt(name);
        };
    }

    private RotaryScaling llama3(ConfigFields fields) {
        double low = fields.factor("low_freq_factor");
        double high = fields.factor("high_freq_factor");
        if (!(high > low)) {
            throw fields.wrong("high_freq_factor", "a number above low_freq_factor");
        }
        return new RotaryScaling.Llama3(fields.factor("factor"), low, high, fields.size(ORIGINAL));
    }

    private RotaryScaling yarn(ConfigFields fields) {
        int original = fields.size(ORIGINAL, longest());
        double factor = fields.factor("factor", (double) longest() / original);
        double scale = fields.real("mscale", 0);
        double scaleOfAll = fields.real("mscale_all_dim", 0);
        double magnitude = scale != 0 && scaleOfAll != 0 ? magnitude(factor, scale) / magnitude(factor, scaleOfAll)
                : magnitude(factor, 1);
        return new RotaryScaling.Yarn(factor, fields.factor("beta_fast", 32), fields.factor("beta_slow", 1), original,
                fields.flag("truncate", true), fields.factor("attention_factor", magnitude));
    }

    private static double magnitude(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private RotaryScaling longRope(ConfigFields fields, int pairs) {
        int trained = config.size(ORIGINAL, fields.size(ORIGINAL, original > 0 ? original : longest()));
        double factor = fields.factor("factor", (double) longest() / trained);
        double magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(trained));
        return new RotaryScaling.LongRope(factors(fields, "short_factor", pairs), factors(fields, "long_factor", pairs),
                trained, fields.factor("attention_factor", magnitude));
    }

    private static List<Double> factors(ConfigFields fields, String name, int pairs) {
        List<Double> factors = fields.reals(name);
        if (factors == null || factors.size() != pairs || factors.stream().anyMatch(factor -> !(factor > 0))) {
            throw fields.wrong(name, "a list of " + pairs + " numbers above 0, one for each pair that is turned");
        }
        return Objects.requireNonNull(factors);
    }

    private int longest() {
        return config.size("max_position_embeddings");
    }
}
