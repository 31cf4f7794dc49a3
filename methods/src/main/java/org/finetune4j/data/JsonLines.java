package org.finetune4j.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/** Reads samples from a file with one JSON object a line, in UTF-8; blank lines are skipped. */
public final class JsonLines {
    private static final int EXCERPT = 40;

    private JsonLines() {
    }

    /** Reads a file with the usual field names. */
    public static List<Sample> read(Path file) {
        return read(file, FieldMapping.standard());
    }

    /**
     * Reads a file. Its samples are named {@code file.jsonl:line}.
     *
     * @throws FinetuneException when the file is missing, empty, not UTF-8, or a line is not a JSON object of a known
     *                           shape; the message names the line
     */
    public static List<Sample> read(Path file, FieldMapping mapping) {
        if (!Files.isRegularFile(file)) {
            throw new FinetuneException(file + (Files.isDirectory(file) ? " is a folder" : " does not exist")
                    + ", but data is read from it. Give the path of a file with one JSON object a line (absolute path: "
                    + file.toAbsolutePath() + ").");
        }
        List<Sample> samples = new ArrayList<>();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            int line = 0;
            byte[] bytes;
            while ((bytes = nextLine(in)) != null) {
                line++;
                String text = decode(file, line, bytes);
                if (!text.isBlank()) {
                    samples.add(new RecordReader(file, line, mapping).sample(parse(file, line, text)));
                }
            }
        } catch (IOException e) {
            throw new FinetuneException(file + " cannot be read: " + e.getMessage()
                    + ". Check the file's permissions and the disk.", e);
        }
        if (samples.isEmpty()) {
            throw new FinetuneException(file + " holds no sample. Write one JSON object a line into it, such as "
                    + "{\"prompt\": \"...\", \"response\": \"...\"}.");
        }
        return samples;
    }

    private static ObjectNode parse(Path file, int line, String text) {
        try {
            JsonNode node = StrictJson.mapper().readTree(text);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new FinetuneException(file + ":" + line + " is " + text.strip().substring(0, 1)
                    + "..., not a JSON object. Write one {...} a line; a JSON array spread over lines must be rewritten "
                    + "as JSON lines. The line reads: " + excerpt(text, 1));
        } catch (JsonProcessingException e) {
            int column = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getColumnNr());
            throw new FinetuneException(file + ":" + line + ":" + column + " is not JSON: "
                    + e.getOriginalMessage().replaceFirst(" \\(start marker at .*", "")
                    + ". Correct or remove the line; near column " + column + " it reads: " + excerpt(text, column), e);
        }
    }

    /** The characters around a 1-based column, at most {@value #EXCERPT} to each side. */
    private static String excerpt(String text, int column) {
        int middle = Math.min(column - 1, text.length());
        int from = Math.max(0, middle - EXCERPT);
        int to = Math.min(text.length(), middle + EXCERPT);
        return (from > 0 ? "..." : "") + text.substring(from, to) + (to < text.length() ? "..." : "");
    }

    private static String decode(Path file, int line, byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return line == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new FinetuneException(file + ":" + line + " is not UTF-8. Convert the file, for example with "
                    + "iconv -t UTF-8.", e);
        }
    }

    private static byte @Nullable [] nextLine(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        int next = in.read();
        if (next < 0) {
            return null;
        }
        while (next >= 0 && next != '\n') {
            line.write(next);
            next = in.read();
        }
        return line.toByteArray();
    }
}
