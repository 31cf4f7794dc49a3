package org.finetune4j.methods.data;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.formal.CanonicalForm;
import org.finetune4j.methods.data.formal.FormalCompiler;
import org.finetune4j.methods.data.formal.Formula;
import org.finetune4j.methods.data.formal.StatementSource;
import org.finetune4j.tokenizer.Message;

/**
 * Statements in plain English, such as {@code the sum of a and the product of 2 and b is less than 7}, with what they
 * are formally: a stand-in for autoformalisation that needs no prover.
 *
 * <p>SFT-GRPO Data Overlap as a Post-Training Hyperparameter for Autoformalization, arXiv 2604.13515. Statements that
 * are always true or always false are drawn again; {@link FormalCompiler} and {@link CanonicalForm} are compiler and
 * judge.
 *
 * @param rows      how many samples, at least 1; default 2000
 * @param depth     operators that stand within one another in a term at most, 1 to 4; default 2
 * @param variables different variables at most, 1 to 26; default 4
 * @param joined    share of statements that join two others, in [0, 1]; default 0.3
 * @param seed      decides the statements
 */
public record FormalStatements(int rows, int depth, int variables, double joined, long seed) implements DataGenerator {
    /** The stand-in task of the overlap study, 2026. */
    public static final Method<FormalStatements> METHOD = new Method<>("formalStatements", Method.Kind.DATA,
            "SFT-GRPO Data Overlap as a Post-Training Hyperparameter for Autoformalization (synthetic task)",
            "arXiv 2604.13515",
            settings -> new FormalStatements(settings.whole("rows", 2000), settings.whole("depth", 2),
                    settings.whole("variables", 4), settings.number("joined", 0.3), settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public FormalStatements {
        Settings.require(rows >= 1, "formalStatements", "rows", rows, "at least 1");
        Settings.require(depth >= 1 && depth <= 4, "formalStatements", "depth", depth, "at least 1 and at most 4");
        Settings.require(variables >= 1 && variables <= 26, "formalStatements", "variables", variables,
                "at least 1 and at most 26");
        Settings.require(joined >= 0 && joined <= 1, "formalStatements", "joined", joined, "at least 0 and at most 1");
    }

    @Override
    public Method<FormalStatements> method() {
        return METHOD;
    }

    @Override
    public Stream<Sample> generate() {
        return IntStream.range(0, rows).mapToObj(this::sample);
    }

    private Sample sample(int index) {
        StatementSource source = new StatementSource(new Draws(seed, "formalStatements", index), depth, variables);
        Formula statement = source.statement(joined);
        while (CanonicalForm.isEmpty(statement)) {
            statement = source.statement(joined);
        }
        return new Sample(id(seed, index), List.of(
                Message.user("State formally: " + StatementSource.words(statement) + "."),
                Message.assistant(FormalCompiler.answer(statement))), List.of(), statement.toString(), Map.of());
    }
}
