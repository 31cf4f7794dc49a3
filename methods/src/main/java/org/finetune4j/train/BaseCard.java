package org.finetune4j.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * What a base's own files say of it.
 *
 * @param name    its name at Hugging Face, or null
 * @param license its licence by Hugging Face's identifier, or null
 */
record BaseCard(@Nullable String name, @Nullable String license) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][\\w.-]*/[\\w.-]+");
    private static final Pattern LICENSE = Pattern.compile("license: *['\"]?([a-z0-9][a-z0-9.-]*)['\"]? *");
    private static final long MAXIMUM_BYTES = 10_000_000;

    static BaseCard of(Path folder) {
        Path config = folder.resolve(ModelConfig.FILE_NAME);
        String name = Files.isRegularFile(config)
                ? StrictJson.readObject(config, MAXIMUM_BYTES).path("_name_or_path").asText() : "";
        return new BaseCard(NAME.matcher(name).matches() ? name : null, license(folder.resolve("README.md")));
    }

    private static @Nullable String license(Path card) {
        try {
            if (!Files.isRegularFile(card) || Files.size(card) > MAXIMUM_BYTES) {
                return null;
            }
            List<String> lines = Files.readAllLines(card);
            if (lines.isEmpty() || !lines.get(0).equals("---")) {
                return null;
            }
            for (String line : lines.subList(1, lines.size())) {
                Matcher matcher = LICENSE.matcher(line);
                if (line.equals("---")) {
                    return null;
                }
                if (matcher.matches()) {
                    return matcher.group(1);
                }
            }
            return null;
        } catch (IOException e) {
            // A card is a courtesy: nothing that is computed depends on it.
            return null;
        }
    }
}
