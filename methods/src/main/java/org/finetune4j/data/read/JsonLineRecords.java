package org.finetune4j.data.read;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/** One JSON object a line, in UTF-8; blank lines are skipped but counted. */
final class JsonLineRecords implements RecordStream {
    /** A longer line is no record: something else was taken for JSON lines. */
    private static final int MAXIMUM_LINE = 1 << 28;

    private final Path path;
    private final String name;
    private final InputStream in;
    private int line;

    JsonLineRecords(Path path, String name, InputStream in) {
        this.path = path;
        this.name = name;
        this.in = in;
    }

    @Override
    public @Nullable RawRecord next() {
        try {
            byte[] bytes;
            while ((bytes = nextLine()) != null) {
                line++;
                String text = decode(bytes);
                if (!text.isBlank()) {
                    String place = path + ":" + line;
                    return new RawRecord(JsonRecords.parse(place, text), name + ":" + line, place);
                }
            }
            return null;
        } catch (IOException e) {
            throw DataFile.unreadable(path, e);
        }
    }

    private String decode(byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return line == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new FinetuneException(path + ":" + line + " is not UTF-8. Convert the file, for example with "
                    + "iconv -t UTF-8.", e);
        }
    }

    private byte @Nullable [] nextLine() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        int next = in.read();
        if (next < 0) {
            return null;
        }
        while (next >= 0 && next != '\n') {
            bytes.write(next);
            if (bytes.size() > MAXIMUM_LINE) {
                throw new FinetuneException(path + ":" + (line + 1) + " is longer than " + MAXIMUM_LINE
                        + " bytes. Check that this is a file with one JSON object a line.");
            }
            next = in.read();
        }
        return bytes.toByteArray();
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw DataFile.unreadable(path, e);
        }
    }
}
