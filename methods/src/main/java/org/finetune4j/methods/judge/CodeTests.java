package org.finetune4j.methods.judge;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Asker;

/**
 * Accepts a reply whose program passes the sample's tests: its first fenced block, or all of it, and then the tests are
 * written into one file, which a command runs. It passes when the command ends with 0 within the limit.
 *
 * <p>Each runs in a process and an empty folder of its own, without the environment of this one but for PATH, and is
 * killed with all its children after the limit. That holds back mistakes, not malice: for programs of models that
 * nobody trusts, run all of it inside a container.
 *
 * @param command the command's words, of which {@code {file}} stands for the file; default {@code python3 {file}}
 * @param file    the file's name; default {@code answer.py}
 * @param tests   field of a data record that holds the tests; default {@code tests}
 * @param seconds the limit, positive; default 3
 */
public record CodeTests(List<String> command, String file, String tests, double seconds) implements Judge {
    /** The rule. */
    public static final Method<CodeTests> METHOD = new Method<>("codeTests", Method.Kind.JUDGE,
            "Accepts replies whose program passes the sample's tests", "common practice",
            settings -> new CodeTests(settings.texts("command", List.of("python3", "{file}")),
                    settings.text("file", "answer.py"), settings.text("tests", "tests"), settings.number("seconds",
                    3)));

    private static final Pattern FENCED = Pattern.compile("```[^\\n]*\\n(.*?)```", Pattern.DOTALL);

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public CodeTests {
        command = List.copyOf(command);
        Settings.require(command.size() > 0 && command.contains("{file}"), "codeTests", "command", command,
                "a command with the word {file}");
        Settings.require(file.matches("[A-Za-z0-9_][A-Za-z0-9_.-]*"), "codeTests", "file", "'" + file + "'",
                "the plain name of a file");
        Settings.require(!tests.isBlank(), "codeTests", "tests", "'" + tests + "'", "the name of the field with the "
                + "tests");
        Settings.require(seconds > 0 && Double.isFinite(seconds), "codeTests", "seconds", seconds,
                "positive and finite");
    }

    @Override
    public Method<CodeTests> method() {
        return METHOD;
    }

    @Override
    public Optional<String> problem(Sample sample) {
        return sample.fields().containsKey(tests) ? Optional.empty()
                : Optional.of("has no field '" + tests + "' with tests to run. Name the field by codeTests(tests = "
                + "...).");
    }

    @Override
    public List<Verdict> judge(List<Reply> replies, Asker asker) {
        return replies.parallelStream().map(reply -> passes(code(reply.text()) + "\n"
                + reply.sample().fields().getOrDefault(tests, "")) ? Verdict.ACCEPTED : Verdict.REJECTED).toList();
    }

    /** The program in a reply: its first fenced block, or all of it. */
    public static String code(String reply) {
        Matcher matcher = FENCED.matcher(reply);
        return matcher.find() ? matcher.group(1) : reply;
    }

    private boolean passes(String program) {
        try {
            Path folder = Files.createTempDirectory("finetune4j-tests");
            try {
                Path path = Files.writeString(folder.resolve(file), program);
                ProcessBuilder builder = new ProcessBuilder(command.stream()
                        .map(word -> word.equals("{file}") ? path.toString() : word).toList())
                        .directory(folder.toFile())
                        .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectInput(ProcessBuilder.Redirect.from(Files.createFile(folder.resolve("nothing"))
                        .toFile()));
                builder.environment().keySet().retainAll(List.of("PATH"));
                return ends(builder.start());
            } finally {
                try {
                    delete(folder);
                } catch (IOException | UncheckedIOException left) {
                    // What a program left behind must not decide about it.
                }
            }
        } catch (IOException e) {
            throw new FinetuneException("codeTests: the command " + command + " cannot be run: " + e
                    + ". Install it, or give another command.", e);
        }
    }

    private boolean ends(Process process) {
        try {
            return process.waitFor((long) (seconds * 1000), TimeUnit.MILLISECONDS) && process.exitValue() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FinetuneException("codeTests: interrupted while tests ran. Run it again.", e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
