package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Method;

/**
 * Exact match: the share of predictions that equal the reference after both are normalised.
 *
 * <p>The conventions of EleutherAI's lm-evaluation-harness. First {@code extract} takes the answer out of the
 * prediction; a prediction without one counts as wrong and as unparsable. Then prediction and reference alike: delete
 * each of {@code regexesToIgnore}, lower the case, delete punctuation, delete digits, trim; each only when asked for.
 *
 * @param extract           regular expression that finds the answer in the prediction, its first group that is not
 *                          empty or, without groups, the whole match; empty (the default) takes the whole prediction
 * @param occurrence        which match of {@code extract} is the answer; default FIRST
 * @param regexesToIgnore   regular expressions deleted one after another; default none
 * @param ignoreCase        whether case is ignored; default false
 * @param ignorePunctuation whether ASCII punctuation is ignored; default false
 * @param ignoreNumbers     whether the digits 0 to 9 are ignored; default false
 * @param trim              whether white space at both ends is ignored; default false
 * @param referenceSeparator text between several right answers in one reference, of which one must match; empty (the
 *                          default) takes the reference as one answer
 */
public record ExactMatch(String extract, Occurrence occurrence, List<String> regexesToIgnore, boolean ignoreCase,
                         boolean ignorePunctuation, boolean ignoreNumbers, boolean trim, String referenceSeparator)
        implements AnswerMetric {
    /** Which match counts. */
    public enum Occurrence {
        /** The first one in the text. */
        FIRST,
        /** The last one in the text. */
        LAST
    }

    /** Exact match as lm-evaluation-harness defines it. */
    public static final Method<ExactMatch> METHOD = new Method<>("exactMatch", Method.Kind.EVALUATE, "Exact match",
            "lm-evaluation-harness 0.4", settings -> new ExactMatch(settings.text("extract", ""),
                    settings.choice("occurrence", Occurrence.FIRST), settings.texts("regexesToIgnore", List.of()),
                    settings.flag("ignoreCase", false), settings.flag("ignorePunctuation", false),
                    settings.flag("ignoreNumbers", false), settings.flag("trim", false),
                    settings.text("referenceSeparator", "")));

    private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");
    private static final Pattern DIGITS = Pattern.compile("[0-9]");
    private static final List<String> GSM8K_IGNORED = List.of(",", "\\$", "(?s).*#### ", "\\.$");

    /** Refuses a regular expression that does not compile with a {@link FinetuneException}. */
    public ExactMatch {
        regexesToIgnore = List.copyOf(regexesToIgnore);
        compile("extract", extract);
        regexesToIgnore.forEach(regex -> compile("regexesToIgnore", regex));
    }

    /** The defaults: the texts must be equal as they stand. */
    public ExactMatch() {
        this("", Occurrence.FIRST, List.of(), false, false, false, false, "");
    }

    /** The harness's GSM8K task, strict filter: the number behind {@code ####}. */
    public static ExactMatch gsm8kStrict() {
        return new ExactMatch("#### (\\-?[0-9\\.\\,]+)", Occurrence.FIRST, GSM8K_IGNORED, true, false, false, false,
                "");
    }

    /** The harness's GSM8K task, flexible filter: the last number of the text. */
    public static ExactMatch gsm8kFlexible() {
        return new ExactMatch("(-?[$0-9.,]{2,})|(-?[0-9]+)", Occurrence.LAST, GSM8K_IGNORED, true, false, false, false,
                "");
    }

    @Override
    public Method<ExactMatch> method() {
        return METHOD;
    }

    @Override
    public MetricResult score(List<String> predictions, List<String> references) {
        References.requirePairs("exactMatch", predictions, references);
        List<Double> items = new ArrayList<>();
        int unparsable = 0;
        for (int i = 0; i < predictions.size(); i++) {
            Optional<String> answer = answer(predictions.get(i));
            unparsable += answer.isPresent() ? 0 : 1;
            String reference = references.get(i);
            items.add(answer.isPresent() && matches(answer.get(), reference) ? 1.0 : 0.0);
        }
        return MetricResult.mean("exactMatch", signature(), items, unparsable);
    }

    /** The answer in a prediction, if there is one. */
    public Optional<String> answer(String prediction) {
        if (extract.isEmpty()) {
            return Optional.of(prediction);
        }
        Matcher matcher = Pattern.compile(extract).matcher(prediction);
        Optional<String> found = Optional.empty();
        while ((found.isEmpty() || occurrence == Occurrence.LAST) && matcher.find()) {
            found = Optional.of(firstGroup(matcher).strip());
        }
        return found.filter(text -> !text.isEmpty());
    }

    /** The conventions in one line, such as {@code exact_match|filter:gsm8k-strict}. */
    public String signature() {
        if (equals(gsm8kStrict())) {
            return "exact_match|filter:gsm8k-strict";
        }
        if (equals(gsm8kFlexible())) {
            return "exact_match|filter:gsm8k-flexible";
        }
        StringBuilder signature = new StringBuilder("exact_match|extract:");
        signature.append(extract.isEmpty() ? "all" : occurrence.name().toLowerCase(Locale.ROOT) + " " + extract);
        regexesToIgnore.forEach(regex -> signature.append("|without:").append(regex));
        signature.append("|case:").append(ignoreCase ? "ignored" : "kept");
        signature.append("|punctuation:").append(ignorePunctuation ? "ignored" : "kept");
        signature.append("|numbers:").append(ignoreNumbers ? "ignored" : "kept");
        signature.append("|trim:").append(trim ? "yes" : "no");
        if (!referenceSeparator.isEmpty()) {
            signature.append("|references:").append(referenceSeparator);
        }
        return signature.toString();
    }

    private boolean matches(String answer, String reference) {
        String normalised = normalise(answer);
        for (String gold : References.split(reference, referenceSeparator)) {
            if (normalise(gold).equals(normalised)) {
                return true;
            }
        }
        return false;
    }

    private String normalise(String text) {
        String normal = text;
        for (String regex : regexesToIgnore) {
            normal = normal.replaceAll(regex, "");
        }
        normal = ignoreCase ? normal.toLowerCase(Locale.ROOT) : normal;
        normal = ignorePunctuation ? PUNCTUATION.matcher(normal).replaceAll("") : normal;
        normal = ignoreNumbers ? DIGITS.matcher(normal).replaceAll("") : normal;
        return trim ? normal.strip() : normal;
    }

    private static String firstGroup(Matcher matcher) {
        for (int group = 1; group <= matcher.groupCount(); group++) {
            String text = matcher.group(group);
            if (text != null && !text.isEmpty()) {
                return text;
            }
        }
        return matcher.groupCount() == 0 ? matcher.group() : "";
    }

    private static void compile(String setting, String regex) {
        try {
            Pattern.compile(regex);
        } catch (PatternSyntaxException fault) {
            throw new FinetuneException("exactMatch: setting '" + setting + "' holds the regular expression '" + regex
                    + "', which is not valid: " + fault.getDescription() + " at character " + fault.getIndex()
                    + ". Correct it.", fault);
        }
    }
}
