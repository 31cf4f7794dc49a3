package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.format.AlpacaPrompt;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.format.Part;
import org.finetune4j.data.format.RecordFormat;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.ToolCall;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FormatsTest {
    @TempDir
    Path folder;

    private Row row(String json) throws IOException {
        return row(json, FieldMapping.standard());
    }

    private Row row(String json, FieldMapping mapping) throws IOException {
        return source(json, mapping).rows().get(0);
    }

    private DataSource source(String json, FieldMapping mapping) throws IOException {
        return DataSource.jsonLines(Files.writeString(folder.resolve("x.jsonl"), json), mapping);
    }

    private static Message user(String text) {
        return Message.user(text);
    }

    private static Message assistant(String text) {
        return Message.assistant(text);
    }

    @Test
    void openAiMessagesWithToolsReasoningAndParts() throws IOException {
        Sample sample = (Sample) row("""
                {"messages": [{"role": "user", "content": [{"type": "text", "text": "Wie warm"}, {"type": "text", "text": " ist es?"}]},
                {"role": "assistant", "content": null, "reasoning_content": "I must ask.", "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "weather", "arguments": "{\\"city\\": \\"Bern\\"}"}}]},
                {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "21"},
                {"role": "assistant", "content": "21 °C", "tool_calls": null}],
                "tools": [{"type": "function", "function": {"name": "weather"}}], "topic": "sky"}""".replace("\n", ""));
        List<Message> turns = sample.messages();
        assertEquals(List.of("Wie warm", " ist es?"), turns.get(0).parts());
        assertEquals("I must ask.", turns.get(1).reasoning());
        ToolCall call = turns.get(1).toolCalls().get(0);
        assertEquals("weather c1 {\"city\":\"Bern\"}", call.name() + " " + call.id() + " " + call.arguments().text());
        assertEquals(Message.tool("21", "c1", "weather"), turns.get(2));
        assertEquals(assistant("21 °C"), turns.get(3));
        assertEquals("{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}", sample.conversation().tools()
                .get(0).text());
        assertEquals(Map.of("topic", "sky"), sample.fields());
        assertEquals(Provenance.ofId("x.jsonl:1").placed(sample.provenance().place()), sample.provenance());
        assertTrue(sample.provenance().place().endsWith("/x.jsonl"), sample.provenance().place());
    }

    @Test
    void shareGptWithItsSpeakers() throws IOException {
        Sample sample = (Sample) row("""
                {"system": "s", "conversations": [{"from": "human", "value": "h"}, {"from": "function_call", "value": "{\\"name\\": \\"f\\", \\"arguments\\": {\\"a\\": 1}}"}, {"from": "observation", "value": "o"}, {"from": "gpt", "value": "g"}], "tools": "[{\\"name\\": \\"f\\"}]"}""");
        assertEquals(List.of(Message.system("s"), user("h"), new Message("assistant", null)
                .withToolCalls(List.of(ToolCall.of("f", "{\"a\":1}"))), new Message("tool", "o"), assistant("g")),
                sample.messages());
        assertEquals("{\"name\":\"f\"}", sample.conversation().tools().get(0).text());
    }

    @Test
    void alpacaInItsPublishedWordsAndWithout() throws IOException {
        String json = "{\"instruction\": \"Add.\", \"input\": \"1 2\", \"output\": \"3\", \"history\": [[\"Hi\", "
                + "\"Yes?\"]]}";
        Sample published = (Sample) row(json);
        assertEquals("Below is an instruction that describes a task, paired with an input that provides further "
                + "context. Write a response that appropriately completes the request.\n\n### "
                + "Instruction:\nAdd.\n\n### "
                + "Input:\n1 2"
                + "\n\n### Response:", published.messages().get(2).text());
        assertEquals("3", published.response());
        assertEquals(List.of(user("Hi"), assistant("Yes?")), published.messages().subList(0, 2));
        Sample without = (Sample) row("{\"instruction\": \"Add.\", \"input\": \"\", \"output\": \"3\"}");
        assertEquals("Below is an instruction that describes a task. Write a response that appropriately completes "
                + "the request.\n\n### Instruction:\nAdd.\n\n### Response:", without.messages().get(0).text());
        Sample plain = (Sample) row(json, new FieldMapping(Map.of(), null, AlpacaPrompt.PLAIN));
        assertEquals("Add.\n\n1 2", plain.messages().get(2).text());
    }

    @Test
    void preferencesAsTextsTurnsAndWithoutAPrompt() throws IOException {
        PreferencePair texts = (PreferencePair) row(
                "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\", \"margin\": 1.5, \"system\": \"s\"}");
        assertEquals(List.of(Message.system("s"), user("p")), texts.prompt());
        assertEquals(List.of(assistant("c")), texts.chosen());
        assertEquals(1.5, texts.margin());
        String turns = "[{\"role\": \"user\", \"content\": \"p\"}, {\"role\": \"assistant\", \"content\": \"%s\"}]";
        String implicit = "{\"chosen\": " + turns.formatted("c") + ", \"rejected\": " + turns.formatted("r");
        PreferencePair own = (PreferencePair) row(implicit + "}");
        PreferencePair repeated = (PreferencePair) row(implicit + ", \"prompt\": \"p\"}");
        PreferencePair alone = (PreferencePair) row("{\"prompt\": [{\"role\": \"user\", \"content\": \"p\"}], "
                + "\"chosen\": [{\"role\": \"assistant\", \"content\": \"c\"}], "
                + "\"rejected\": [{\"role\": \"assistant\", \"content\": \"r\"}]}");
        assertEquals(own, repeated);
        assertEquals(own, alone);
        assertEquals(List.of(user("p")), own.prompt());
        assertEquals(List.of(assistant("r")), own.rejected());
        assertEquals("c", own.chosenSample().response());
        // Two equal responses are still two responses.
        String same = "{\"chosen\": " + turns.formatted("c") + ", \"rejected\": " + turns.formatted("c") + "}";
        assertEquals(List.of(assistant("c")), ((PreferencePair) row(same)).rejected());
    }

    @Test
    void labelledCompletionsAndPlainOnes() throws IOException {
        LabelledResponse good = (LabelledResponse) row("{\"prompt\": \"p\", \"completion\": \"c\", \"label\": true}");
        assertTrue(good.desirable());
        assertEquals("c", good.sample().response());
        assertEquals(false, ((LabelledResponse) row("{\"prompt\": \"p\", \"completion\": \"c\", \"label\": \"0\"}"))
                .desirable());
        assertEquals("c", ((Sample) row("{\"prompt\": \"p\", \"completion\": \"c\"}")).response());
        assertEquals("c", ((Sample) row("{\"prompt\": \"p\", \"completion\": \"c\", \"label\": 7}",
                FieldMapping.standard().as(RecordFormat.PROMPT_COMPLETION))).response());
    }

    @Test
    void whatALabelBesideAResponseMeansTheMappingSays() throws IOException {
        String json = "{\"prompt\": \"p\", \"response\": \"r\", \"label\": false}";
        assertEquals(false, ((LabelledResponse) row(json, FieldMapping.standard().with(Part.COMPLETION, "response")))
                .desirable());
        assertEquals("r", ((Sample) row(json, FieldMapping.standard().as(RecordFormat.PROMPT_RESPONSE))).response());
        assertEquals("r", ((Sample) row(json.replace("false", "\"birds\""))).response());
        // A weight on the turn of somebody who is not learned from says nothing.
        assertEquals("a", ((Sample) row("{\"conversations\": [{\"from\": \"human\", \"value\": \"u\", \"weight\": 0}, "
                + "{\"from\": \"gpt\", \"value\": \"a\", \"weight\": 1}]}")).response());
    }

    @Test
    void mapsNamesPathsTemplatesAndConstants() throws IOException {
        FieldMapping mapping = FieldMapping.standard().with(Part.PROMPT, "{meta.title}\n{turns.0.q} {{x}}")
                .with(Part.RESPONSE, "meta.answer").with(Part.SYSTEM, FieldMapping.constant("Be {brief}."));
        Sample sample = (Sample) row("{\"meta\": {\"title\": \"T\", \"answer\": \"A\"}, \"turns\": [{\"q\": \"Q\"}], "
                + "\"prompt\": \"no\"}",
                mapping);
        assertEquals(List.of(Message.system("Be {brief}."), user("T\nQ {x}"), assistant("A")), sample.messages());
        assertEquals("dotted", ((Sample) row("{\"a.b\": \"dotted\", \"a\": {\"b\": \"x\"}, \"response\": \"r\"}",
                FieldMapping.standard().with(Part.PROMPT, "a.b"))).prompt().get(0).text());
        // A usual name may be given to another part.
        assertEquals("summary", ((Sample) row("{\"text\": \"t\", \"response\": \"summary\"}",
                FieldMapping.standard().with(Part.PROMPT, "text"))).response());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"prompt": "p", "response": "r", "messages": [{"role": "user", "content": "p"}]} | tell of more than one shape: prompt and response ('prompt', 'response'), messages ('messages'). Say which by fields(format = RecordFormat.PROMPT_RESPONSE), or remove the other fields.
            {"chosen": "c", "rejected": "r"} | x.jsonl:1 has a chosen and a rejected text, but no 'prompt'. Say by fields(prompt = ...) where the prompt is.
            {"prompt": "p", "chosen": "c", "rejected": [{"role": "assistant", "content": "r"}]} | 'chosen' that is a text and 'rejected' that is a list
            {"prompt": "p", "completion": "c", "label": "maybe"} | 'label' that is "maybe". Give true for a good completion and false for a bad one
            {"prompt": "p", "chosen": "c", "rejected": "r", "margin": "much"} | 'margin' that is "much"
            {"conversations": [{"from": "alien", "value": "x"}]} | conversations[0].from that is 'alien'. ShareGPT's speakers are
            {"conversations": [{"from": "human", "value": 3}]} | conversations[0].value that is 3
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]} | messages[0].content[0] of the type 'image_url'
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a", "weight": 0}]} | messages[1] with a weight of its own (0)
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a", "train": 0}]} | messages[1] with a weight of its own (0)
            {"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a", "weight": 0}]} | conversations[1] with a weight of its own (0)
            {"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a", "train": false}]} | conversations[1] with a weight of its own (false)
            {"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a", "tool_calls": [{"name": "f"}]}]} | conversations[1] with 'tool_calls'
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a", "function_call": {"name": "f", "arguments": "{}"}}]} | messages[1] with 'function_call'. Write the call as "tool_calls"
            {"prompt": "p", "response": "r", "label": false} | prompt and response beside 'label' that is false. If it says whether the response is good, say fields(completion = "response")
            {"prompt": "p", "response": "r", "label": 0} | beside 'label' that is 0
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}], "label": false} | messages beside 'label' that is false
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]} | messages[1].tool_calls[0] without a name or arguments
            {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": "{x"}]}]} | messages[0].tool_calls[0].arguments that is not JSON
            {"instruction": "i", "output": "o", "history": [["a"]]} | 'history' with ["a"]
            {"instruction": "i", "output": ""} | 'output' that is empty
            {"system": "s", "messages": [{"role": "system", "content": "t"}, {"role": "assistant", "content": "a"}]} | both 'system' and a system turn
            {"prompt": "p", "completion": [{"role": "user", "content": "u"}]} | 'completion' that begins with a turn of 'user'
            {"prompt": "p", "response": ["r"]} | 'response' that is a list
            {"system": null, "promt": "p", "response": "r"} | of no known shape
            {"messages": null, "system": "s"} | 'messages' that is null
            """)
    void refusesWithThePlaceAndTheMend(String json, String expected) {
        String message = assertThrows(FinetuneException.class, () -> row(json)).getMessage();
        assertTrue(message.contains("x.jsonl:1 has "), message);
        assertTrue(message.contains(expected), message);
    }

    @Test
    void aFieldThatIsNotThereIsNamedWithTheNearest() throws IOException {
        DataSource misspelt = source("{\"question\": \"q\", \"response\": \"a\"}", FieldMapping.standard()
                .with(Part.PROMPT, "qestion"));
        String message = assertThrows(FinetuneException.class, misspelt::rows).getMessage();
        assertTrue(message.contains("x.jsonl:1 has the fields [question, response], of no known shape"), message);
        assertTrue(message.endsWith("Did you mean 'question'?"), message);
        DataSource optional = source("{\"prompt\": \"q\", \"response\": \"a\", \"gold\": 1}\n{\"prompt\": \"q\", "
                + "\"response\": \"a\"}",
                FieldMapping.standard().with(Part.ANSWER, "golds"));
        message = assertThrows(FinetuneException.class, optional::rows).getMessage();
        assertTrue(message.contains("x.jsonl:2, like every record before it, has no field 'golds', which "
                + "fields(answer = ...) names; it has [prompt, response]."), message);
        DataSource forced = source("{\"prompt\": \"q\"}", FieldMapping.standard().as(RecordFormat.ALPACA));
        message = assertThrows(FinetuneException.class, forced::rows).getMessage();
        assertTrue(message.contains("x.jsonl:1 has no 'instruction', but the fields [prompt]"), message);
        assertThrows(FinetuneException.class, () -> source("{}", FieldMapping.standard().with(Part.PROMPT, "{open"))
                .rows());
    }

    @Test
    void whatARecordHasNoUseForIsKeptAsText() throws IOException {
        assertEquals(Map.of("input", "i", "meta", "{\"a\":1}", "margin", "2"), ((Sample) row("{\"prompt\": \"p\", "
                + "\"response\": \"r\", "
                + "\"input\": \"i\", \"meta\": {\"a\": 1}, \"margin\": 2, \"answer\": \"a\", \"empty\": null}"))
                .fields());
    }

    @Test
    void theReportSaysWhatRecordsWereTakenForAndWhy() throws IOException {
        DataReport report = new DataReport();
        DataSource source = source("{\"prompt\": \"p\", \"response\": \"r\"}\n{\"text\": \"t\"}\n{\"text\": \"u\"}",
                FieldMapping.standard());
        try (RowStream rows = source.open(report)) {
            while (rows.next() != null) {
                // Only the report counts.
            }
        }
        String file = folder.resolve("x.jsonl").toString();
        assertEquals(List.of(file + " read as prompt and response ('prompt' and 'response'): 1", file
                + " read as text ('text'): 2"),
                report.lines());
    }
}
