package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.methods.select.FaultyVariants.By;
import org.finetune4j.methods.select.FaultyVariants.Verify;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code fait}, data. */
class FaultyVariantsTest {
    private static final String PYTHON = "def total(xs, n):\n    s = 0\n    for x in xs:\n        s += x\n    return "
            + "max(s, n)\n";
    private static final String SHELL = "total() {\n  s=$(( $1 + $2 ))\n  echo $(( s * 3 ))\n}\n";
    private static final CodeTests RUN = new CodeTests(List.of("sh", "{file}"), "a.sh", "tests", 5);

    private static Sample task(int number, String program) {
        return new Sample("code:" + number, List.of(Message.user("add and triple"), Message.assistant(program)),
                List.of(), null,
                Map.of("tests", "[ \"$(total 2 3)\" = 15 ]"));
    }

    private static FaultyVariants rules(Verify verify, int variants, long seed) {
        return new FaultyVariants(By.RULES, new Policy(), RUN, verify, variants, 0.7, 64, seed);
    }

    @Test
    void everyKindOfFault() {
        List<String> faults = ProgramFaults.of(PYTHON);
        assertTrue(faults.contains(PYTHON.replace("+=", "-=")), "operator");
        assertTrue(faults.contains(PYTHON.replace("s = 0", "s = 1")), "number");
        assertTrue(faults.contains(PYTHON.replace("max(s, n)", "max(n, s)")), "arguments");
        assertTrue(faults.contains(PYTHON.replace("        s += x\n", "")), "statement");
        assertTrue(faults.contains(PYTHON.replace("s += x", "s += n")), "name");
        assertEquals(faults.size(), faults.stream().distinct().count());
        assertEquals(List.of("if a <= b and c:"), ProgramFaults.of("if a < b and c:").stream().filter(fault ->
                fault.contains(
                "<= ")).toList());
        assertTrue(ProgramFaults.of("# s + 1\nx(\"a + 1\")\n").stream().allMatch(fault ->
                fault.startsWith("# s + 1\nx(\"a + 1\")")
                || fault.isEmpty()), "strings and comments stay");
        assertEquals(ProgramFaults.essence("a = 1  # one\n"), ProgramFaults.essence("a=1"));
    }

    @Test
    void everyVariantFailsTheTestsThatTheProgramPasses() {
        List<Sample> tasks = List.of(task(1, SHELL), task(2, SHELL.replace("+", "-")), task(3, "Here:\n```sh\n" + SHELL
                + "```\nDone."));
        FakeContext context = FakeContext.answering(request -> "");
        Selection selection = rules(Verify.TESTS, 2, 1).select(tasks, context);
        assertEquals(List.of("code:1", "code:3"), selection.samples().stream().map(Sample::id).toList());
        assertEquals("1", selection.report().get("programs that fail their tests, left out"));
        for (Sample sample : selection.samples()) {
            List<String> variants = variants(sample);
            assertEquals(2, variants.size());
            for (String variant : variants) {
                assertEquals(List.of(Verdict.REJECTED), RUN.judge(List.of(new Reply(sample, variant)), context));
                assertTrue(!variant.equals(sample.response()));
                assertTrue(variant.startsWith("Here:\n```sh\n") == sample.id().equals("code:3"), "all around stays");
            }
            assertEquals(tasks.get(sample.id().equals("code:1") ? 0 : 2).messages(), sample.messages());
        }
        assertEquals(selection.samples(), rules(Verify.TESTS, 2, 1).select(tasks, context).samples());
    }

    private static List<String> variants(Sample sample) {
        try {
            List<String> texts = new java.util.ArrayList<>();
            new com.fasterxml.jackson.databind.ObjectMapper().readTree(sample.fields().get(FaultyVariants.FIELD))
                    .forEach(node -> texts.add(node.asText()));
            return texts;
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aModelsVariantsAreHeldToTheSameRules() {
        String[] replies = {SHELL, SHELL + "# the same\n", "echo something else altogether, far from it",
                "Here it is, with one fault:\n```sh\n" + SHELL.replace("3", "4") + "```\nGood luck!"};
        int[] asked = {0};
        FaultyVariants method = new FaultyVariants(By.MODEL, new Policy(), RUN, Verify.TESTS, 1, 0.7, 64, 0);
        Selection selection = method.select(List.of(task(1, SHELL)), FakeContext.answering(request ->
                replies[asked[0]++ % replies.length]));
        assertEquals(List.of(SHELL.replace("3", "4")), variants(selection.samples().get(0)));
        assertEquals(4, asked[0]);
        assertEquals(4, method.work(List.of(task(1, SHELL))).get(0).requests());
        assertEquals(List.of(), rules(Verify.TESTS, 1, 0).work(List.of(task(1, SHELL))));
    }

    @Test
    void onlyTheProgramOfAnAnswerTakesThePlaceOfTheProgram() {
        assertEquals("    return 1\n", FaultyVariants.inPlace("    return 2\n", "```python\n\n    return 1\n\n```"));
        assertEquals("So:\n```\nb\n```\nDone.", FaultyVariants.inPlace("So:\n```\na\n```\nDone.", "b"));
        assertEquals("So:\n```\nb\n```\nDone.", FaultyVariants.inPlace("So:\n```\na\n```\nDone.", "This:\n```sh\nb\n```"));
    }

    @Test
    void refusals() {
        Sample untested = new Sample("code:9", task(1, SHELL).messages(), List.of(), null, Map.of());
        assertEquals(List.of("code:9 has no field 'tests' with tests to run. Name the field by codeTests(tests = "
                + "...). Without "
                + "tests, let verify be NONE."), rules(Verify.TESTS, 1, 0).problems(List.of(untested)));
        assertEquals(List.of(), rules(Verify.NONE, 1, 0).problems(List.of(untested)));
        assertTrue(rules(Verify.NONE, 1, 0).select(List.of(untested), FakeContext.answering(request -> "")).report()
                .containsKey("wrong variants, unverified"));
        assertThrows(FinetuneException.class, () -> rules(Verify.NONE, 0, 0));
        assertThrows(FinetuneException.class, () -> new FaultyVariants(By.RULES, new Policy(), RUN, Verify.NONE, 1, 1,
                64, 0));
    }
}
