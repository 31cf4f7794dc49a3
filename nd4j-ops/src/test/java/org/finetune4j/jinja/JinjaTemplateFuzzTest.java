package org.finetune4j.jinja;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Templates are strangers': whatever stands in them, they render or fail with a line, and nothing else happens. */
class JinjaTemplateFuzzTest {
    private static final String[] PIECES = {"{%", "%}", "{{", "}}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "'", "\"",
        "|", ".", ":", ",", "~", "*", "**", "//", "%", " if ", " else ", " for x in ", " endfor ", " endif ", " is ", " not ",
        " in ", "messages", "x", "loop", "namespace()", "range(9)", "none", "1", "99999999999", "1.5", "\\", "\n", " set ", "=",
        "trim", "join", "selectattr", "tojson", "(x)", "[::-1]", " recursive", " macro m() ", " endmacro ", "\ud83d\ude00"};

    @Test
    void brokenTemplatesRenderOrFail() throws IOException {
        List<String> sources = new ArrayList<>();
        new ObjectMapper().readTree(JinjaTemplateFuzzTest.class.getResourceAsStream("/tokenizer/template-cases.json"))
            .get("templates").forEach(template -> sources.add(template.asText()));
        Random random = new Random(13);
        int rendered = 0;
        int refused = 0;
        for (int round = 0; round < 6000; round++) {
            StringBuilder source = new StringBuilder(sources.get(random.nextInt(sources.size())));
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                int at = random.nextInt(source.length() + 1);
                int end = Math.min(source.length(), at + (random.nextBoolean() ? 0 : random.nextInt(6)));
                source.replace(at, end, PIECES[random.nextInt(PIECES.length)]);
            }
            Map<String, @Nullable Object> variables = new HashMap<>();
            variables.put("messages", List.of(Map.of("role", "user", "content", "a \u00e9"), Map.of("role", "assistant", "content",
                "b")));
            variables.put("tools", null);
            variables.put("bos_token", "<s>");
            variables.put("eos_token", "</s>");
            variables.put("add_generation_prompt", round % 2 == 0);
            try {
                JinjaTemplate.parse(source.toString()).render(variables, LocalDateTime.of(2024, 7, 26, 0, 0));
                rendered++;
            } catch (JinjaException e) {
                assertTrue(e.line() >= 1 && e.line() <= 1 + source.chars().filter(c -> c == '\n').count(), source.toString());
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError(source.toString(), e);
            }
        }
        assertTrue(rendered > 500 && refused > 500, rendered + " rendered, " + refused + " refused");
    }
}
