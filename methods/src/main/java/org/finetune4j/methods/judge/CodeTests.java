package org.finetune4j.methods.judge;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
 * written into one file, which a command runs. It passes when the command ends with 0 within the limit and the line
 * behind the tests was reached, which prints a text drawn for this run alone: a program that ends the process itself passes
 * no test. Where the tests end it themselves, as {@code unittest.main()} does, that line stands before them.
 *
 * <p>Each runs in a process and an empty folder of its own, without the environment of this one but for PATH, and is
 * killed with all its children after the limit. That holds back mistakes, not malice: for programs of models that
 * nobody trusts, run all of it inside a container.
 *
 * @param command the command's words, of which {@code {file}} stands for the file; default {@code python3 {file}}
 * @param file    the file's name; default {@code answer.py}
 * @param tests   field of a data record that holds the tests; default {@code tests}
 * @param seconds the limit, positive; default 3
 * @param proof   the line that prints {@code {text}} in the program's language and lets failed tests fail, or empty to trust the
 *                command's end alone; default by the ending of {@code file}, for {@code .py}, {@code .sh}, {@code .js},
 *                {@code .rb} and {@code .kts}, and none for others
 */
public record CodeTests(List<String> command, String file, String tests, double seconds, String proof) implements Judge {
    /** The rule. */
    public static final Method<CodeTests> METHOD = new Method<>("codeTests", Method.Kind.JUDGE,
            "Accepts replies whose program passes the sample's tests", "common practice",
            CodeTests::from);

    private static final String TEXT = "{text}";
    private static final Pattern ENDS_ITSELF = Pattern.compile("\\b(?:unittest\\.main|exit|_exit|quit)\\b");
    private static final long DRAIN_MILLISECONDS = 1000;
    private static final SecureRandom RANDOM = new SecureRandom();
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
        Settings.require(proof.isEmpty() || proof.contains(TEXT), "codeTests", "proof", "'" + proof + "'",
                "a line that prints {text}, or empty");
    }

    /** With the line that belongs to the file's ending. */
    public CodeTests(List<String> command, String file, String tests, double seconds) {
        this(command, file, tests, seconds, proofFor(file));
    }

    private static CodeTests from(Settings settings) {
        String file = settings.text("file", "answer.py");
        return new CodeTests(settings.texts("command", List.of("python3", "{file}")), file, settings.text("tests", "tests"),
                settings.number("seconds", 3), settings.text("proof", proofFor(file)));
    }

    /** The line that prints {@code {text}} in the language of a file, by its ending; empty where it is not known. */
    public static String proofFor(String file) {
        return switch (file.substring(file.lastIndexOf('.') + 1)) {
            case "py" -> "print(\"{text}\")";
            // A shell ends as its last command does.
            case "sh" -> "[ $? -eq 0 ] && echo {text}";
            case "js" -> "console.log(\"{text}\")";
            case "rb" -> "puts \"{text}\"";
            case "kts" -> "println(\"{text}\")";
            default -> "";
        };
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
        return replies.parallelStream().map(reply -> passes(code(reply.text()),
                reply.sample().fields().getOrDefault(tests, "")) ? Verdict.ACCEPTED : Verdict.REJECTED).toList();
    }

    /** The program in a reply: its first fenced block, or all of it. */
    public static String code(String reply) {
        Matcher matcher = FENCED.matcher(reply);
        return matcher.find() ? matcher.group(1) : reply;
    }

    private boolean passes(String program, String testing) {
        String text = "passed-" + Long.toHexString(RANDOM.nextLong()) + Long.toHexString(RANDOM.nextLong());
        String line = proof.replace(TEXT, text) + "\n";
        String whole = program + "\n" + (ENDS_ITSELF.matcher(testing).find() ? line + testing : testing + "\n" + line);
        try {
            Path folder = Files.createTempDirectory("finetune4j-tests");
            try {
                Path path = Files.writeString(folder.resolve(file), whole);
                ProcessBuilder builder = new ProcessBuilder(command.stream()
                        .map(word -> word.equals("{file}") ? path.toString() : word).toList())
                        .directory(folder.toFile())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .redirectInput(ProcessBuilder.Redirect.from(Files.createFile(folder.resolve("nothing"))
                        .toFile()));
                builder.environment().keySet().retainAll(List.of("PATH"));
                return ends(builder.start(), proof.isEmpty() ? "" : text);
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

    /** Whether a process ends well in time and has printed this text. */
    private boolean ends(Process process, String text) {
        CompletableFuture<Boolean> printed = new CompletableFuture<>();
        Thread reader = new Thread(() -> read(process.getInputStream(), text, printed), "codeTests output");
        reader.setDaemon(true);
        reader.start();
        try {
            if (!process.waitFor((long) (seconds * 1000), TimeUnit.MILLISECONDS) || process.exitValue() != 0) {
                return false;
            }
            // Its children may hold the output open.
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            return printed.get(DRAIN_MILLISECONDS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FinetuneException("codeTests: interrupted while tests ran. Run it again.", e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /** Reads all that a program prints, however much it is, and tells as soon as it is known whether a text is part of it. */
    private static void read(InputStream output, String text, CompletableFuture<Boolean> printed) {
        String seen = "";
        byte[] block = new byte[1 << 13];
        try {
            for (int count = 0; count >= 0; count = output.read(block)) {
                seen += new String(block, 0, count, StandardCharsets.ISO_8859_1);
                if (seen.contains(text)) {
                    printed.complete(true);
                }
                seen = seen.substring(Math.max(0, seen.length() - text.length()));
            }
        } catch (IOException killed) {
            // Then it printed no more.
        }
        printed.complete(false);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
