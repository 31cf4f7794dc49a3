package org.finetune4j.train;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Example;
import org.finetune4j.data.LabelledResponse;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.data.preview.Preview;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;

/** Encodes the first samples of a job for people to look at; only as many rows are read as are shown. */
final class Previewer {
    private final TextEncoding encoding;
    private final Tokenizer tokenizer;
    private final LengthLimit limit;
    private final TooLong tooLong;

    private Previewer(FineTuning job, Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        ModelConfig config = ModelConfig.read(job.base().folder());
        encoding = new TextEncoding(tokenizer, job.chatTemplate(), job.supervision(), config.vocabularySize());
        limit = LengthLimit.of(job.train().maxLength(), config.maxPositions());
        tooLong = job.train().tooLong();
    }

    static Preview preview(FineTuning job, int count) {
        if (count < 1) {
            throw new FinetuneException("preview(" + count + "), but at least 1 sample is to be shown.");
        }
        List<Preview.Shown> shown = new ArrayList<>();
        DataReport report = new DataReport();
        try (Tokenizer tokenizer = Tokenizer.load(job.base().folder()); RowStream rows = job.data().open(report)) {
            Previewer previewer = new Previewer(job, tokenizer);
            for (Row row = rows.next(); row != null; row = shown.size() < count ? rows.next() : null) {
                previewer.show(row, shown);
            }
        }
        return new Preview(shown.subList(0, Math.min(count, shown.size())), report.lines());
    }

    private void show(Row row, List<Preview.Shown> shown) {
        if (row instanceof Sample sample) {
            int candidates = sample.candidates().size();
            shown.add(candidates == 0 ? shown(sample, "") : shown(sample.withResponse(sample.candidates().get(0)
                    .text()),
                    "the first of " + candidates + " candidate responses"));
        } else if (row instanceof PreferencePair pair) {
            shown.add(shown(pair.chosenSample(), "the chosen response"));
            shown.add(shown(pair.rejectedSample(), "the rejected response"));
        } else if (row instanceof LabelledResponse labelled) {
            shown.add(shown(labelled.sample(), labelled.desirable() ? "labelled good" : "labelled bad"));
        }
    }

    private Preview.Shown shown(Sample sample, String note) {
        List<String> roles = sample.messages().stream().map(Message::role).toList();
        Example example;
        try {
            example = encoding.encode(sample);
        } catch (FinetuneException e) {
            return new Preview.Shown(sample.id(), sample.provenance(), roles, 0, 0, List.of(), "refused: "
                    + e.getMessage());
        }
        List<String> notes = new ArrayList<>(note.isEmpty() ? List.of() : List.of(note));
        Example kept = example;
        if (example.ids().length > limit.tokens()) {
            notes.add("longer than " + limit.tokens() + " tokens, so that " + switch (tooLong) {
                case ERROR -> "the data are refused";
                case DROP -> "it is left out";
                case KEEP_START -> "its end is cut";
                case KEEP_END -> "its beginning is cut";
                case SPLIT -> "it is cut into pieces, of which this is the first that is learned";
            });
            if (tooLong.cuts() || tooLong == TooLong.SPLIT) {
                kept = shortened(example, notes);
            }
        }
        if (example.supervisedTokens() == 0) {
            notes.add("no token of it is learned, so that it is refused");
        }
        return new Preview.Shown(sample.id(), sample.provenance(), roles, example.ids().length,
                example.supervisedTokens(),
                Preview.pieces(kept, ids -> tokenizer.decode(ids, false)), String.join("; ", notes));
    }

    private Example shortened(Example example, List<String> notes) {
        try {
            return new Encoder(sample -> example, limit, tooLong).encode(List.of(Sample.document(example.id(), "")))
                    .examples()
                    .get(0);
        } catch (FinetuneException refused) {
            notes.add("nothing that is learned is left of it, so that it is refused");
            return example;
        }
    }
}
