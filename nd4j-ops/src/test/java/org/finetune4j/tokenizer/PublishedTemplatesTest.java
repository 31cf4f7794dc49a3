package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Published templates against Python's Jinja2. They belong to others and are not kept here: collect them in a folder, run
 * make_template_cases.py with it, and name the file that it writes by the property.
 */
@EnabledIfSystemProperty(named = PublishedTemplatesTest.PROPERTY, matches = ".+")
class PublishedTemplatesTest {
    static final String PROPERTY = "finetune4j.publishedTemplates";

    @Test
    void allRenderAsInPython() throws IOException {
        TemplateCases cases = new TemplateCases(new ObjectMapper().readTree(
            Path.of(System.getProperty(PROPERTY)).toFile()));
        List<String> differences = new ArrayList<>();
        for (JsonNode node : cases.cases()) {
            String difference = cases.difference(node);
            if (!difference.isEmpty()) {
                differences.add(TemplateCases.name(node) + ": " + difference);
            }
        }
        assertFalse(cases.cases().isEmpty());
        assertEquals("", String.join("\n\n", differences), differences.size() + " of " + cases.cases().size());
    }
}
