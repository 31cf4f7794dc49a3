package org.finetune4j.methods.data;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.table.Table;
import org.finetune4j.methods.data.table.TableQuestion;
import org.finetune4j.methods.data.table.TableSource;
import org.finetune4j.methods.data.text.TextPieces;
import org.finetune4j.tokenizer.Message;

/**
 * Very long tables of random cells with a question about some of them and its exact, short answer (SynL): data for
 * fine-tuning on long contexts.
 *
 * <p>LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv
 * 2406.00605. The row that is asked about is as likely to stand anywhere. A table has as many rows as bring the prompt
 * next to its length; kinds of questions take turns.
 *
 * @param rows      how many samples, at least 1; default 1000
 * @param length    pieces of a prompt, at least 200; default 4096
 * @param format    how tables are written; default MARKDOWN
 * @param kinds     kinds of questions by name: cell, row, key, cells, aggregate; default all five
 * @param tokenizer folder with the tokenizer whose tokens are the pieces; empty (the default): words and signs
 * @param seed      decides tables and questions
 */
public record SyntheticTables(int rows, int length, Table.Format format, List<String> kinds, String tokenizer,
        long seed)
        implements DataGenerator {
    /** SynL, 2024. */
    public static final Method<SyntheticTables> METHOD = new Method<>("syntheticTables", Method.Kind.DATA,
            "LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models (SynL)",
            "arXiv 2406.00605",
            settings -> new SyntheticTables(settings.whole("rows", 1000), settings.whole("length", 4096),
                    settings.choice("format", Table.Format.MARKDOWN),
                    settings.texts("kinds", List.of("cell", "row", "key", "cells", "aggregate")),
                    settings.text("tokenizer", ""), settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public SyntheticTables {
        kinds = List.copyOf(kinds);
        Settings.require(rows >= 1, "syntheticTables", "rows", rows, "at least 1");
        Settings.require(length >= 200, "syntheticTables", "length", length, "at least 200");
        Settings.require(!kinds.isEmpty(), "syntheticTables", "kinds", kinds, "at least one kind of question");
        kinds.forEach(SyntheticTables::kind);
    }

    /** Pieces of a table whose questions are as long as those of a large one. */
    private static final int SMALL = 100;

    private static TableQuestion.Kind kind(String name) {
        return Arrays.stream(TableQuestion.Kind.values()).filter(kind -> kind.name()
                .equals(name.toUpperCase(Locale.ROOT)))
                .findFirst().orElseThrow(() -> new FinetuneException("syntheticTables: there is no kind of question '"
                + name
                        + "'; there are cell, row, key, cells and aggregate."));
    }

    @Override
    public Method<SyntheticTables> method() {
        return METHOD;
    }

    @Override
    public String files() {
        return TextPieces.fingerprint(tokenizer);
    }

    @Override
    public Stream<Sample> generate() {
        TextPieces pieces = TextPieces.of(tokenizer);
        return IntStream.range(0, rows).mapToObj(index -> sample(index, pieces))
                .onClose(pieces::close);
    }

    private Sample sample(int index, TextPieces pieces) {
        Draws draws = new Draws(seed, "syntheticTables", index);
        String opening = "Answer from this table.\n\n";
        TableQuestion.Kind kind = kind(kinds.get(index % kinds.size()));
        Table small = TableSource.draw(draws, format, SMALL, pieces::count);
        int frame = pieces.count(opening + "\n\n" + TableQuestion.draw(small, kind, draws).question());
        Table table = TableSource.draw(draws, format, length - frame, pieces::count);
        TableQuestion question = TableQuestion.draw(table, kind, draws);
        return new Sample(id(seed, index), List.of(
                Message.user(opening + table.write(format) + "\n\n" + question.question()),
                Message.assistant(question.answer())), List.of(), question.answer(),
                Map.of("kind", kinds.get(index % kinds.size()), "depth", String.valueOf(question.depth())));
    }
}
