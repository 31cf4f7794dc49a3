package org.finetune4j.data;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.tokenizer.Tokenizer;

/** Tells versions of the code apart that turns data into tokens, so that nobody has to remember to raise a number. */
final class CodeVersion {
    private static final String VALUE = compute();

    private CodeVersion() {
    }

    /** SHA-256 over the classes that read and encode, and the names of the libraries that they stand on. */
    static String value() {
        return VALUE;
    }

    private static String compute() {
        MessageDigest digest = Hashes.sha256();
        add(digest, CodeVersion.class, "org/finetune4j/data");
        for (String part : List.of("tokenizer", "jinja", "kernel/CounterRandom.class", "checkpoint/StrictJson.class")) {
            add(digest, Tokenizer.class, "org/finetune4j/" + part);
        }
        for (Class<?> library : List.of(ai.djl.huggingface.tokenizers.HuggingFaceTokenizer.class,
                org.duckdb.DuckDBDriver.class, com.fasterxml.jackson.databind.JsonNode.class)) {
            digest.update(place(library).getFileName().toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void add(MessageDigest digest, Class<?> anchor, String name) {
        Path place = place(anchor);
        try {
            if (Files.isDirectory(place)) {
                add(digest, place.resolve(name));
            } else {
                try (FileSystem jar = FileSystems.newFileSystem(URI.create("jar:" + place.toUri()), Map.of())) {
                    add(digest, jar.getPath(name));
                }
            }
        } catch (IOException e) {
            throw new FinetuneException("the classes in " + place + " cannot be read: " + e.getMessage()
                    + ". Build again.", e);
        }
    }

    /** A folder's files, or a single one. */
    private static void add(MessageDigest digest, Path place) throws IOException {
        if (!Files.exists(place)) {
            return;
        }
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                try (InputStream in = Files.newInputStream(file)) {
                    digest.update(in.readAllBytes());
                }
            }
        }
    }

    private static Path place(Class<?> type) {
        CodeSource source = type.getProtectionDomain().getCodeSource();
        try {
            return Path.of(source.getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
