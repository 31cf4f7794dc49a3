package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

    /** In every template that shows a conversation, each response is found where it is, without a word of the user. */
    @Test
    void allResponsesAreFound() throws IOException {
        TemplateCases cases = new TemplateCases(new ObjectMapper().readTree(
            Path.of(System.getProperty(PROPERTY)).toFile()));
        Conversation conversation = Conversation.of(Message.user("Alpha?"), Message.assistant("Beta."),
            Message.user("Gamma?"), Message.assistant("Delta."));
        List<String> differences = new ArrayList<>();
        int found = 0;
        for (ChatTemplate template : cases.templates()) {
            try {
                String text = template.render(conversation, false);
                if (!text.contains("Beta.") || !text.contains("Delta.")) {
                    continue;
                }
                String one = template.render(conversation.upTo(1), false);
                TurnFinder finder = new TurnFinder(template, !one.equals(template.render(conversation.upTo(1), true)),
                    conversation, text);
                for (int index : new int[] {1, 3}) {
                    TurnFinder.Range range = finder.find(index);
                    String speech = text.substring(range.start(), range.contentEnd());
                    String content = conversation.messages().get(index).text();
                    found++;
                    if (!speech.endsWith(content) || speech.contains("Gamma") || speech.contains("assistant")) {
                        differences.add(template.origin() + ", turn " + index + ": [" + speech + "] of " + text);
                    }
                }
            } catch (ChatTemplateException e) {
                // What it refuses, Python refuses too: the other test says so.
            } catch (ConversationException e) {
                differences.add(template.origin() + ": " + e.getMessage());
            }
        }
        assertTrue(found > 0);
        assertEquals("", String.join("\n\n", differences), differences.size() + " of " + found);
    }
}
