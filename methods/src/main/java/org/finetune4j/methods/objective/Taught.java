package org.finetune4j.methods.objective;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.jspecify.annotations.Nullable;

/**
 * Another objective whose reference is chosen: another model, the policy at an earlier time, or either at another
 * temperature or with an input of which some tokens are masked.
 *
 * <p>Distilling the Knowledge in a Neural Network, arXiv 1503.02531, has the teacher and its temperature; here what is
 * minimised is the base's, such as {@link Asft} with {@code KL(q || pi)} for the teacher's q. Without {@code teacher} the
 * reference is the model that training started from, as without this; {@code every} makes it follow the policy: with
 * {@code mix} 1 it is a snapshot of that many steps ago at most, with less a moving average. A teacher must have the tokens
 * of the base; it is loaded in the precision of the run, stays as it is, and is no part of what is saved.
 *
 * @param base        what is minimised, which must ask for a reference; default asft
 * @param teacher     folder of another model in the Hugging Face layout, or empty for the policy's own past; default empty
 * @param temperature what the reference's logits are divided by, finite and above 0; default 1
 * @param every       steps between two moves of the reference towards the policy, or 0 for one that stays; default 0. Only
 *                    without {@code teacher}
 * @param mix         the policy's share in such a move, in (0, 1]; default 1
 * @param masked      share of the tokens that the reference reads masked, in [0, 1]: each alone but the first of a sample, anew
 *                    in every step; default 0
 * @param maskToken   the added token that stands for masked ones; empty (the default) for the first with {@code mask} or
 *                    {@code reserved} in its name
 */
public record Taught(Objective base, String teacher, double temperature, int every, double mix, double masked,
                     String maskToken) implements OverBase {
    /** An objective under a teacher. */
    public static final Method<Taught> METHOD = new Method<>("taught", Method.Kind.OBJECTIVE,
            "Distilling the Knowledge in a Neural Network (another model, or an earlier self, as the reference)",
            "arXiv 1503.02531",
            settings -> new Taught(settings.fragment("base", Method.Kind.OBJECTIVE, Objective.class, new Asft(0.05)),
                    settings.text("teacher", ""), settings.number("temperature", 1), settings.whole("every", 0),
                    settings.number("mix", 1), settings.number("masked", 0), settings.text("maskToken", "")));
    private static final String NAME = "taught";

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Taught {
        Settings.require(temperature > 0 && Double.isFinite(temperature), NAME, "temperature", temperature,
                "a finite number above 0");
        Settings.require(every >= 0, NAME, "every", every, "at least 0");
        Settings.require(mix > 0 && mix <= 1, NAME, "mix", mix, "in (0, 1]");
        Settings.require(masked >= 0 && masked <= 1, NAME, "masked", masked, "in [0, 1]");
        Settings.require(teacher.isBlank() || every == 0, NAME, "every", every,
                "0 beside the teacher '" + teacher + "', which stays as it is");
    }

    /** The defaults with another model as the reference. */
    public Taught(Objective base, String teacher) {
        this(base, teacher, 1, 0, 1);
    }

    /** As it is where the reference reads all tokens. */
    public Taught(Objective base, String teacher, double temperature, int every, double mix) {
        this(base, teacher, temperature, every, mix, 0, "");
    }

    @Override
    public Method<Taught> method() {
        return METHOD;
    }

    @Override
    public @Nullable Path teacherFolder() {
        return teacher.isBlank() ? base.teacherFolder() : Path.of(teacher);
    }

    @Override
    public @Nullable String maskOfReference() {
        return masked > 0 ? maskToken : base.maskOfReference();
    }

    @Override
    public TokenLoss tokenLoss() {
        return new DelegatingTokenLoss(base.tokenLoss()) {
            @Override
            public Expression build(TokenView view) {
                return super.build(temperature == 1 ? view : new TemperedView(view, temperature));
            }

            @Override
            public @Nullable MaskedInput maskedInput() {
                return masked > 0 ? new MaskedInput(masked, -1) : super.maskedInput();
            }

            @Override
            public @Nullable Lag lag() {
                return every > 0 ? new Lag(mix, every) : teacher.isBlank() ? super.lag() : null;
            }
        };
    }

    @Override
    public List<String> problems(Composition composition) {
        List<String> problems = new ArrayList<>(base.problems(composition));
        TokenLoss loss = base.tokenLoss();
        if (!loss.needsReference()) {
            problems.add("taught chooses the reference of its base, but " + base.method().name() + " with these settings asks "
                    + "for none. Take an objective that does, such as asft() or one of your own with needsReference, or leave "
                    + "taught out.");
        } else if (every > 0 && (loss.lag() != null || base.teacherFolder() != null)) {
            problems.add("taught is to move the reference every " + every + " steps, but " + base.method().name()
                    + " has a reference of its own. Leave one of the two out.");
        }
        if (!teacher.isBlank() && base.teacherFolder() != null) {
            problems.add("taught has the teacher " + teacher + " and so has its base, with " + base.teacherFolder()
                    + ". Keep one of them.");
        }
        if (masked > 0 && loss.maskedInput() != null) {
            problems.add("taught is to mask what the reference reads, and so is its base. Keep one of them.");
        }
        return problems;
    }
}
