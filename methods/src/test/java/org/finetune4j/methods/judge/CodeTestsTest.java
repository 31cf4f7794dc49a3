package org.finetune4j.methods.judge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Programs that try to pass without being tested. */
class CodeTestsTest {
    private static final CodeTests SHELL = new CodeTests(List.of("sh", "{file}"), "answer.sh", "tests", 10);
    private static final CodeTests PYTHON = CodeTests.METHOD.create(new Settings(Map.of("seconds", 20)));

    private static Verdict verdict(CodeTests judge, String tests, String program) {
        Sample sample = new Sample("code:1", List.of(Message.user("add")), List.of(), null, Map.of("tests", tests));
        return judge.judge(List.of(new Reply(sample, program)), (source, stage, requests) -> {
            throw new AssertionError("no model is asked");
        }).get(0);
    }

    @Test
    void aProgramThatEndsBeforeItsTestsPassesNone() {
        String tests = "[ \"$(add 2 3)\" = 5 ]";
        assertEquals(Verdict.ACCEPTED, verdict(SHELL, tests, "add() { echo $(($1 + $2)); }"));
        assertEquals(Verdict.REJECTED, verdict(SHELL, tests, "exit 0"));
        assertEquals(Verdict.REJECTED, verdict(SHELL, tests, "add() { echo 5; }; echo passed; exit 0"));
        // Tests that end themselves decide, and the line stands before them.
        String ending = tests + " && exit 0\nexit 1";
        assertEquals(Verdict.ACCEPTED, verdict(SHELL, ending, "add() { echo $(($1 + $2)); }"));
        assertEquals(Verdict.REJECTED, verdict(SHELL, ending, "add() { echo 6; }"));
        assertEquals(Verdict.REJECTED, verdict(SHELL, ending, "exit 0"));
    }

    @Test
    void muchThatIsPrintedAndChildrenThatStayHoldNothingUp() {
        assertEquals(Verdict.ACCEPTED, verdict(SHELL, "true", "i=0; while [ $i -lt 3000 ]; do echo "
                + "0123456789012345678901234567890123456789012345678901234567890123456789; i=$((i + 1)); done"));
        long began = System.nanoTime();
        assertEquals(Verdict.ACCEPTED, verdict(SHELL, "true", "sleep 8 &"));
        assertEquals(true, System.nanoTime() - began < 7_000_000_000L);
    }

    @Test
    void withoutALineTheEndOfTheCommandDecides() {
        CodeTests trusting = new CodeTests(List.of("sh", "{file}"), "answer.sh", "tests", 10, "");
        assertEquals(Verdict.ACCEPTED, verdict(trusting, "false", "exit 0"));
        assertEquals("", CodeTests.proofFor("Answer.java"));
        assertThrows(FinetuneException.class, () -> new CodeTests(List.of("sh", "{file}"), "a.sh", "tests", 1, "echo done"));
    }

    @Test
    void pythonToo() throws IOException {
        Assumptions.assumeTrue(works("python3"));
        String tests = "assert add(2, 3) == 5";
        assertEquals(Verdict.ACCEPTED, verdict(PYTHON, tests, "```python\ndef add(a, b):\n    return a + b\n```"));
        assertEquals(Verdict.REJECTED, verdict(PYTHON, tests, "import sys\nsys.exit(0)"));
        assertEquals(Verdict.REJECTED, verdict(PYTHON, tests, "import os\ndef add(a, b):\n    os._exit(0)"));
        String unit = "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
                + "        self.assertEqual(5, add(2, 3))\nunittest.main()";
        assertEquals(Verdict.ACCEPTED, verdict(PYTHON, unit, "def add(a, b):\n    return a + b"));
        assertEquals(Verdict.REJECTED, verdict(PYTHON, unit, "def add(a, b):\n    return a - b"));
        assertEquals(Verdict.REJECTED, verdict(PYTHON, unit, "raise SystemExit(0)"));
    }

    private static boolean works(String command) throws IOException {
        try {
            return new ProcessBuilder(command, "-c", "pass").start().waitFor() == 0;
        } catch (IOException missing) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
