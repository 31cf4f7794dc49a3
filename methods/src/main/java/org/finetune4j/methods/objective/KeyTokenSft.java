package org.finetune4j.methods.objective;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.head.SequenceLoss;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.tool.KeyTokens;
import org.finetune4j.tokenizer.JsonText;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Supervised fine-tuning of tool calls in which the few tokens that decide which tool is called weigh more (PKT).
 *
 * <p>TL-Training: A Task-Feature-Based Framework for Training Large Language Models in Tool Use, arXiv 2412.15495. Those are
 * the first token of the tool's name, and the first one that tells it apart from each other tool whose name begins alike. With
 * w their weight, the number of other tokens for each of them, at least 1 and at most {@code wMax}, the loss of a call is
 * <pre>
 * - sum w_m log p_m / sum w_m
 * </pre>
 * and that of a step the mean over its calls. The conversations must carry the schemas of their tools; a turn that calls none
 * is learned with equal weights, and counted. The paper's runs use a learning rate of 1e-6 and one epoch. Logs {@code nll} and
 * {@code keyLoss}, the mean loss of the tokens that decide.
 *
 * @param wMax largest weight, finite and at least 1; default 9
 */
public record KeyTokenSft(double wMax) implements Objective {
    /** TL-Training, 2024. */
    public static final Method<KeyTokenSft> METHOD = new Method<>("keyTokenSft", Method.Kind.OBJECTIVE,
            "TL-Training: A Task-Feature-Based Framework for Training Large Language Models in Tool Use (PKT)",
            "arXiv 2412.15495", settings -> new KeyTokenSft(settings.number("wMax", 9)));
    static final String WEIGHT = "keyWeight";

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public KeyTokenSft {
        Settings.require(wMax >= 1 && Double.isFinite(wMax), "keyTokenSft", "wMax", wMax, "a finite number of at least 1");
    }

    @Override
    public Method<KeyTokenSft> method() {
        return METHOD;
    }

    @Override
    public Reduction reduction() {
        return Reduction.SUM_PER_SEQUENCE;
    }

    @Override
    public boolean preparesExamples() {
        return true;
    }

    @Override
    public TokenLoss tokenLoss() {
        return new SampleTokenLoss(KeyTokenSft::weighted, WEIGHT);
    }

    /** The weighted mean of a call's token losses. */
    static SequenceLoss.Outcome weighted(String sample, List<SequenceLoss.Member> members, boolean training) {
        SequenceLoss.Member call = members.get(0);
        float[] weights = call.columns().get(WEIGHT);
        double total = 0;
        double loss = 0;
        double keys = 0;
        double keyLoss = 0;
        for (int m = 0; m < weights.length; m++) {
            total += weights[m];
            loss += weights[m] * call.losses()[m];
            keys += weights[m] > 1 ? 1 : 0;
            keyLoss += weights[m] > 1 ? call.losses()[m] : 0;
        }
        double[] gradient = new double[weights.length];
        for (int m = 0; m < weights.length; m++) {
            gradient[m] = weights[m] / total;
        }
        return new SequenceLoss.Outcome(loss / total, List.of(gradient), 1,
                Map.of("keyLoss", keys == 0 ? loss / total : keyLoss / keys));
    }

    @Override
    public ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        Map<String, Sample> samples = new LinkedHashMap<>();
        preparation.samples().forEach(sample -> samples.put(sample.id(), sample));
        byte[] @Nullable [] bytes = preparation.tokenizer().tokenBytes();
        List<Example> prepared = new ArrayList<>();
        int calls = 0;
        for (Example example : preparation.examples()) {
            requireCallAlone(example);
            double @Nullable [] weights = weights(samples.get(example.id()), example, preparation.tokenizer(), bytes);
            calls += weights == null ? 0 : 1;
            prepared.add(example.withColumn(WEIGHT, column(example, weights)));
        }
        if (calls == 0) {
            throw new FinetuneException("keyTokenSft: none of " + prepared.size() + " samples ends with a call of a tool that its "
                    + "conversation describes. Give conversations with the schemas of their tools, or use sft().");
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("calls", String.valueOf(calls));
        report.put("turns without a call, with equal weights", String.valueOf(prepared.size() - calls));
        return new ExamplePreparation.Prepared(prepared, report);
    }

    private static void requireCallAlone(Example example) {
        int first = firstOfCall(example);
        for (int i = 1; i < first; i++) {
            if (example.supervised()[i]) {
                throw new FinetuneException("keyTokenSft: " + example.id() + " has learned turns before its call. Use "
                        + "chatTemplate(supervise = Turns.LAST).");
            }
        }
    }

    private static float[] column(Example example, double @Nullable [] weights) {
        float[] column = new float[example.ids().length];
        int first = firstOfCall(example);
        for (int m = 0; weights != null && m < weights.length; m++) {
            column[first + m] = (float) weights[m];
        }
        for (int i = 0; i < column.length; i++) {
            column[i] = column[i] == 0 ? 1 : column[i];
        }
        return column;
    }

    /** Where the last run of supervised tokens begins. */
    private static int firstOfCall(Example example) {
        int last = example.ids().length - 1;
        while (last > 0 && !example.supervised()[last]) {
            last--;
        }
        while (last > 0 && example.supervised()[last - 1]) {
            last--;
        }
        return last;
    }

    /** The weights of the tokens from the first of the call on, or null where no tool is called. */
    private double @Nullable [] weights(Sample sample, Example example, Tokenizer tokenizer, byte[] @Nullable [] bytes) {
        List<String> tools = sample.conversation().tools().stream().flatMap(KeyTokenSft::name).toList();
        int first = firstOfCall(example);
        List<byte[]> parts = new ArrayList<>();
        for (int i = first; i < example.ids().length && example.supervised()[i]; i++) {
            parts.add(text(bytes[example.ids()[i]]));
        }
        String text = new String(joined(parts), StandardCharsets.UTF_8);
        String called = called(sample, tools, text);
        if (called == null) {
            return null;
        }
        String before = text.substring(0, text.indexOf(called));
        List<Integer> name = tokensOf(tokenizer, bytes, before, called);
        int begin = place(parts, before.getBytes(StandardCharsets.UTF_8).length);
        List<List<Integer>> others = tools.stream().filter(tool -> !tool.equals(called))
                .map(tool -> tokensOf(tokenizer, bytes, before, tool)).toList();
        return KeyTokens.weights(parts.size(), KeyTokens.positions(begin, name, others), Set.of(), wMax);
    }

    private static @Nullable String called(Sample sample, List<String> tools, String text) {
        List<Message> turns = sample.messages();
        if (turns.isEmpty()) {
            return null;
        }
        Message last = turns.get(turns.size() - 1);
        Stream<String> names = last.toolCalls().isEmpty() ? tools.stream() : Stream.of(last.toolCalls().get(0).name());
        // Of names that begin alike the longest is meant.
        return names.filter(tools::contains).filter(text::contains)
                .min(Comparator.<String>comparingInt(text::indexOf)
                        .thenComparing(Comparator.comparingInt(String::length).reversed())).orElse(null);
    }

    private static Stream<String> name(JsonText tool) {
        JsonNode root = tool.toTree();
        JsonNode function = root.has("function") ? root.get("function") : root;
        return function.path("name").isTextual() ? Stream.of(function.get("name").asText()) : Stream.of();
    }

    /** The tokens of a name as they are behind this text. */
    private static List<Integer> tokensOf(Tokenizer tokenizer, byte[] @Nullable [] bytes, String before, String name) {
        int[] ids = tokenizer.encode(before + name, false).ids();
        List<byte[]> parts = Arrays.stream(ids).mapToObj(id -> text(bytes[id])).toList();
        // From the end, for some tokenizers put a space before the whole text.
        int all = parts.stream().mapToInt(part -> part.length).sum();
        int begin = place(parts, all - name.getBytes(StandardCharsets.UTF_8).length);
        return Arrays.stream(ids).skip(begin).boxed().toList();
    }

    /** The part in which the byte at a place lies. */
    private static int place(List<byte[]> parts, int offset) {
        int end = 0;
        for (int i = 0; i < parts.size(); i++) {
            end += parts.get(i).length;
            if (end > offset) {
                return i;
            }
        }
        return parts.size();
    }

    /** What a token adds to a text; one that marks something adds nothing. */
    private static byte[] text(byte @Nullable [] token) {
        return token == null ? new byte[0] : token;
    }

    private static byte[] joined(List<byte[]> parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        parts.forEach(all::writeBytes);
        return all.toByteArray();
    }

    @Override
    public List<String> problems(Composition composition) {
        return composition.refuseShortened("keyTokenSft weighs tokens of whole calls");
    }
}
