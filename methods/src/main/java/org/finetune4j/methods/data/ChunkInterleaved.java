package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Provenance;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.text.Interleaving;
import org.finetune4j.methods.data.text.TextPieces;
import org.jspecify.annotations.Nullable;

/**
 * Long documents made of several short ones, whose chunks take turns, so that going on with one needs a look back
 * across the others (CIP); all of it is learned, and every token sees all before it.
 *
 * <p>LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv
 * 2406.00605. Every {@code documents} documents in turn make one; what is left at the end makes a last one, alone as it
 * is.
 *
 * @param chunk     pieces of a chunk, at least 16; default 2048
 * @param documents documents of one sample, at least 2; default 8
 * @param length    most pieces of a sample, the rest is cut; 0 (the default) for no limit
 * @param tokenizer folder with the tokenizer whose tokens are the pieces; empty (the default): words and signs
 */
public record ChunkInterleaved(int chunk, int documents, int length, String tokenizer) implements DataTransform {
    /** Chunk-interleaved pretraining, 2024. */
    public static final Method<ChunkInterleaved> METHOD = new Method<>("chunkInterleaved", Method.Kind.DATA,
            "LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models (CIP)",
            "arXiv 2406.00605",
            settings -> new ChunkInterleaved(settings.whole("chunk", 2048), settings.whole("documents", 8),
                    settings.whole("length", 0), settings.text("tokenizer", "")));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public ChunkInterleaved {
        Settings.require(chunk >= 16, "chunkInterleaved", "chunk", chunk, "at least 16");
        Settings.require(documents >= 2, "chunkInterleaved", "documents", documents,
                "at least 2, for one document alone stays as it is");
        Settings.require(length == 0 || length >= chunk, "chunkInterleaved", "length", length,
                "at least the chunk, or 0 for no limit");
    }

    @Override
    public Method<ChunkInterleaved> method() {
        return METHOD;
    }

    @Override
    public String files() {
        return TextPieces.fingerprint(tokenizer);
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        RowStream from = source.open(report);
        TextPieces pieces = TextPieces.of(tokenizer);
        return new RowStream() {
            private int made;

            @Override
            public @Nullable Row next() {
                List<Sample> group = new ArrayList<>();
                while (group.size() < documents) {
                    Row row = from.next();
                    if (row == null) {
                        break;
                    }
                    group.add(document(row));
                }
                return group.isEmpty() ? null : interleaved(group, pieces, ++made);
            }

            @Override
            public void close() {
                pieces.close();
                from.close();
            }
        };
    }

    private static Sample document(Row row) {
        if (row instanceof Sample sample && sample.isDocument()) {
            return sample;
        }
        throw new FinetuneException("chunkInterleaved: " + row.id() + " is no plain document. Give data with a field "
                + "'text', such as jsonl(\"x.jsonl\", fields(text = \"body\")).");
    }

    private Sample interleaved(List<Sample> group, TextPieces pieces, int number) {
        String text = String.join("", Interleaving.of(group.stream()
                .map(document -> pieces.chunks(document.fields().getOrDefault(Sample.DOCUMENT, ""), chunk)).toList()));
        if (length > 0) {
            List<String> cut = pieces.chunks(text, length);
            text = cut.isEmpty() ? text : cut.get(0);
        }
        Sample first = group.get(0);
        Sample made = Sample.document(METHOD.name() + ":" + number, text);
        return new Sample(made.id(), made.conversation(), List.of(), null, made.fields(),
                new Provenance(first.provenance().source(), first.provenance().tags(),
                        group.stream().flatMap(document -> document.provenance().madeOf(document.id()).origins().stream())
                                .distinct().toList()));
    }
}
