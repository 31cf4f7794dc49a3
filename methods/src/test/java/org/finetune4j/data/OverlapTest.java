package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.finetune4j.data.format.FieldMapping;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of files with one name in two folders. */
class OverlapTest {
    @TempDir
    Path folder;

    private DataSource file(String place, String... prompts) throws IOException {
        Path path = folder.resolve(place);
        Files.createDirectories(path.getParent());
        StringBuilder lines = new StringBuilder();
        for (String prompt : prompts) {
            lines.append("{\"prompt\": \"").append(prompt).append("\", \"response\": \"yes\"}\n");
        }
        Files.writeString(path, lines.toString());
        return DataSource.jsonLines(path, FieldMapping.standard());
    }

    /** Rows whose words are new, made of those of a source. */
    private static Set<Long> reworded(DataSource source) {
        return Overlap.marks(source.samples().stream().map(sample -> new Sample(sample.id() + "~1",
                List.of(org.finetune4j.tokenizer.Message.user("new words of " + sample.id())), List.of(), null,
                java.util.Map.of()).madeOf(sample.provenance().named(sample.id()))).toList());
    }

    @Test
    void whatWasMadeOfARowOfAnotherFileWithTheSameNameIsNoLeak() throws IOException {
        DataSource train = file("train/data.jsonl", "a", "b");
        DataSource heldOut = file("held-out/data.jsonl", "c", "d");
        assertEquals(train.samples().get(0).id(), heldOut.samples().get(0).id());
        assertEquals(0, Overlap.of(heldOut.samples(), reworded(train)).shared());
        assertEquals(2, Overlap.of(train.samples(), reworded(train)).shared());
        assertEquals(0, Overlap.between(heldOut, train).shared());
    }

    @Test
    void aRowIsItselfHoweverItsFileIsNamed() throws IOException {
        DataSource train = file("train/data.jsonl", "a", "b");
        DataSource whole = new FileSource(folder.toString(), null, FieldMapping.standard(), "");
        DataSource roundabout = DataSource.jsonLines(folder.resolve("train/../train/data.jsonl"), FieldMapping.standard());
        assertEquals(2, Overlap.of(whole.samples(), reworded(train)).shared());
        assertEquals(2, Overlap.of(roundabout.samples(), reworded(train)).shared());
        assertEquals(whole.samples().get(0).provenance().place(), roundabout.samples().get(0).provenance().place());
    }

    @Test
    void anIdTakesThePathInThePlaceOfTheName() {
        Provenance provenance = Provenance.ofId("data.jsonl:3").placed("train/data.jsonl");
        assertEquals("train/data.jsonl:3", provenance.named("data.jsonl:3"));
        assertEquals(List.of("train/data.jsonl:3"), provenance.madeOf("data.jsonl:3").origins());
        assertEquals("train/data.jsonl", provenance.tagged("t").madeOf("data.jsonl:3").place());
        assertEquals("train/data.jsonl other:1", provenance.named("other:1"));
        assertEquals("data.jsonl:3", Provenance.ofId("data.jsonl:3").named("data.jsonl:3"));
    }
}
