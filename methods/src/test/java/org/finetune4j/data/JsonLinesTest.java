package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.format.Part;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLinesTest {
    @TempDir
    Path folder;

    private Path file(String... lines) throws IOException {
        return Files.writeString(folder.resolve("train.jsonl"), String.join("\n", lines));
    }

    private static List<Sample> read(Path file) {
        return read(file, FieldMapping.standard());
    }

    private static List<Sample> read(Path file, FieldMapping mapping) {
        return DataSource.jsonLines(file, mapping).samples();
    }

    @Test
    void readsEveryShapeAndNamesSamplesByLine() throws IOException {
        List<Sample> samples = read(file(
                "{\"prompt\": \"2+2?\", \"response\": \"4\", \"answer\": 4, \"level\": {\"a\": 1}}",
                "",
                "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"u\"},"
                        + " {\"role\": \"assistant\", \"content\": \"a\"}]}",
                "{\"prompt\": \"p\", \"responses\": [{\"text\": \"x\", \"source\": \"A\"}, \"y\"]}\r",
                "{\"system\": \"be brief\", \"prompt\": \"é\", \"answer\": \"e\"}",
                "{\"text\": \"a document\"}",
                ""));
        assertEquals(List.of("train.jsonl:1", "train.jsonl:3", "train.jsonl:4", "train.jsonl:5", "train.jsonl:6"),
                samples.stream().map(Sample::id).toList());
        assertEquals(List.of(new Message("user", "2+2?"), new Message("assistant", "4")), samples.get(0).messages());
        assertEquals("4", samples.get(0).answer());
        assertEquals(Map.of("level", "{\"a\":1}"), samples.get(0).fields());
        assertEquals("a", samples.get(1).response());
        assertEquals(2, samples.get(1).prompt().size());
        assertEquals(List.of(new Candidate("x", "A"), new Candidate("y", "")), samples.get(2).candidates());
        assertNull(samples.get(2).response());
        assertEquals(List.of(new Message("system", "be brief"), new Message("user", "é")), samples.get(3).messages());
        assertTrue(samples.get(4).isDocument());
    }

    @Test
    void mapsFieldNames() throws IOException {
        Sample sample = read(file("{\"question\": \"q\", \"solution\": \"s\", \"gold\": true}"),
                FieldMapping.standard().with(Part.PROMPT, "question").with(Part.RESPONSE, "solution")
                .with(Part.ANSWER, "gold")).get(0);
        assertEquals("s", sample.response());
        assertEquals("true", sample.answer());
    }

    @Test
    void acceptsAByteOrderMarkAndRefusesOtherEncodings() throws IOException {
        assertEquals(1, read(file("\uFEFF{\"text\": \"t\"}")).size());
        Path latin = folder.resolve("latin.jsonl");
        Files.write(latin, new byte[] {'{', '}', '\n', '"', (byte) 0xE9, '"'});
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> read(latin));
        assertTrue(refusal.getMessage().contains("latin.jsonl:1 has the fields []"), refusal.getMessage());
        Files.write(latin, new byte[] {'\n', '"', (byte) 0xE9, '"'});
        refusal = assertThrows(FinetuneException.class, () -> read(latin));
        assertTrue(refusal.getMessage().contains("latin.jsonl:2 is not UTF-8"), refusal.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"prompt": "p", "response": "r"           | train.jsonl:2:32 is not JSON: Unexpected end-of-input: expected close marker for Object. Correct
            {"prompt": "p" "response": "r"}           | near column 16 it reads: {"prompt": "p" "response"
            {"prompt": "p", "prompt": "q"}            | Duplicate field 'prompt'
            {"prompt": "p", "response": "r"} {}       | is not JSON
            ["prompt"]                                | train.jsonl:2 is [..., not a JSON object
            {"instruction": "p"}                      | [instruction], of no known shape
            {"promt": "p", "answr": "a"}              | or map other names by fields(...). Did you mean 'prompt'?
            {"prompt": "p", "text": "t"}              | more than one shape
            {"prompt": "p"}                           | train.jsonl:2 has no response
            {"prompt": "p", "response": " "}          | 'response' that is empty
            {"prompt": "p", "response": null}         | 'response' that is null
            {"prompt": "", "response": "r"}           | 'prompt' that is empty
            {"prompt": "p", "responses": []}          | 'responses' that is an empty list
            {"prompt": "p", "responses": ["a", ""]}   | responses[1] that is empty
            {"prompt": "p", "response": "r", "responses": ["a"]} | more than one shape: prompt and response ('prompt', 'response'), prompt and candidate responses ('prompt', 'responses')
            {"messages": [{"role": "assistant", "content": "a"}], "responses": ["b"]} | both a response and the candidates
            {"messages": []}                          | 'messages' that is an empty list
            {"messages": [{"role": "user", "content": "u"}]} | no response
            {"messages": [{"role": "bot", "content": "u"}]}  | messages[0] with the role 'bot'
            {"messages": [{"role": "assistant", "content": ""}]} | messages[0].content that is empty
            {"messages": [{"role": "user"}]}          | messages[0].content that is missing
            {"text": 5}                               | 'text' that is 5
            """)
    void refusesWithFileLineAndMend(String line, String expected) throws IOException {
        Path file = file("{\"text\": \"fine\"}", line);
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> read(file));
        assertTrue(refusal.getMessage().contains("train.jsonl:2"), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(expected), refusal.getMessage());
    }

    @Test
    void refusesMissingAndEmptyFiles() throws IOException {
        Path missing = folder.resolve("missing.jsonl");
        assertTrue(assertThrows(FinetuneException.class, () -> read(missing)).getMessage()
                .contains("does not exist"));
        assertTrue(assertThrows(FinetuneException.class, () -> read(folder)).getMessage()
                .contains("holds no file of records (.jsonl, .ndjson, each also with .gz or .zst)"));
        Path empty = file("", " ");
        assertTrue(assertThrows(FinetuneException.class, () -> read(empty)).getMessage()
                .contains("holds no sample"));
    }

    @Test
    void refusesTwoPartsUnderOneName() {
        assertThrows(FinetuneException.class, () -> FieldMapping.standard().with(Part.ANSWER, "x").with(Part.PROMPT,
                "x"));
    }
}
