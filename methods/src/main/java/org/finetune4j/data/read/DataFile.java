package org.finetune4j.data.read;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.Hashes;

/**
 * A file of records.
 *
 * @param path where it lies
 * @param name its name in the ids of records: relative to the folder that was asked for, with {@code /} between parts
 * @param kind what it is made of
 */
public record DataFile(Path path, String name, FileKind kind) {
    private static final int BUFFER = 1 << 16;

    /**
     * Opens its records.
     *
     * @param condition an SQL condition that the records must meet, or an empty text for all
     * @throws FinetuneException when the file cannot be opened or the condition cannot be evaluated
     */
    public RecordStream open(String condition) {
        boolean packed = packing() == FileKind.Packing.ZSTANDARD;
        return switch (kind) {
            case JSON_LINES -> packed ? DuckRecords.ofPackedJson(this, condition)
                    : Chosen.of(this, condition, new JsonLineRecords(path, name, bytes()));
            case JSON -> packed ? DuckRecords.ofPackedJson(this, condition)
                    : Chosen.of(this, condition, new JsonArrayRecords(path, name, bytes()));
            case CSV, TSV -> DuckRecords.ofCsv(this, condition);
            case PARQUET -> DuckRecords.ofParquet(this, condition);
        };
    }

    /** Its path from the working directory, or its whole path where it lies elsewhere; the same however it was asked for. */
    public String place() {
        Path here = Path.of("").toAbsolutePath().normalize();
        Path there = path.toAbsolutePath().normalize();
        return (there.startsWith(here) ? here.relativize(there) : there).toString().replace('\\', '/');
    }

    /**
     * The SHA-256 of its bytes, as hexadecimal digits.
     *
     * @throws FinetuneException when it cannot be read
     */
    public String hash() {
        MessageDigest digest = Hashes.sha256();
        try (InputStream in = new DigestInputStream(Files.newInputStream(path), digest)) {
            in.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    FileKind.Packing packing() {
        return FileKind.Packing.of(path.getFileName().toString());
    }

    private InputStream bytes() {
        try {
            InputStream in = Files.newInputStream(path);
            try {
                return packing() == FileKind.Packing.GZIP ? new GZIPInputStream(in, BUFFER)
                        : new java.io.BufferedInputStream(in, BUFFER);
            } catch (IOException e) {
                in.close();
                throw e;
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    static FinetuneException unreadable(Path path, IOException cause) {
        return new FinetuneException(path + " cannot be read: " + cause.getMessage()
                + ". Check the file, its permissions and the disk.", cause);
    }
}
