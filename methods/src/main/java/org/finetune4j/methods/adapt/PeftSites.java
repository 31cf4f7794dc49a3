package org.finetune4j.methods.adapt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.StreamSupport;
import org.finetune4j.checkpoint.CheckpointException;

/**
 * Which layers a PEFT adapter stands at, with which rank and alpha, by the rules of PEFT: a list matches whole names or
 * ends of module paths, a text is a regular expression for the whole path, and {@code all-linear} is every linear layer.
 */
final class PeftSites implements LowRank.Sites {
    private static final String MEND = "Restore the file from where the adapter came from";
    /** The first numbered segment of a path. */
    private static final Pattern ANY_LAYER = Pattern.compile(".*?\\.[^.]*\\.(\\d+)\\..*");

    private final Path file;
    private final Predicate<String> targeted;
    private final int rank;
    private final double alpha;
    private final Map<Pattern, Double> ranks;
    private final Map<Pattern, Double> alphas;

    PeftSites(ObjectNode config, Path file) {
        this.file = file;
        double given = number(config.path("r"), "r", 8);
        rank = (int) given;
        if (rank != given || rank < 1) {
            throw wrong("r must be a whole number of at least 1");
        }
        // PEFT's own default.
        alpha = number(config.path("lora_alpha"), "lora_alpha", 8);
        ranks = patterns(config.path("rank_pattern"), "rank_pattern");
        alphas = patterns(config.path("alpha_pattern"), "alpha_pattern");
        Predicate<String> named = names(config.path("target_modules"), "target_modules")
                .and(layers(config.path("layers_to_transform"), config.path("layers_pattern"),
                        config.path("target_modules").isTextual()));
        JsonNode excluded = config.path("exclude_modules");
        targeted = excluded.isMissingNode() || excluded.isNull() || excluded.isEmpty() && !excluded.isTextual() ? named
                : named.and(names(excluded, "exclude_modules").negate());
    }

    @Override
    public int rank(String site) {
        return targeted.test(site) ? (int) first(ranks, site, rank) : 0;
    }

    @Override
    public double alpha(String site) {
        return first(alphas, site, alpha);
    }

    private Predicate<String> names(JsonNode node, String field) {
        if (node.isTextual()) {
            if (node.textValue().equals("all-linear")) {
                return site -> true;
            }
            Pattern pattern = compile(node.textValue(), field);
            return site -> pattern.matcher(site).matches();
        }
        if (!node.isArray() || StreamSupport.stream(node.spliterator(), false).anyMatch(name -> !name.isTextual())) {
            throw wrong(field + " must be a list of module names or a regular expression");
        }
        List<String> names = new ArrayList<>();
        node.forEach(name -> names.add(name.textValue()));
        return site -> names.stream().anyMatch(name -> ("." + site).endsWith("." + name));
    }

    /** Only with a list of targets does PEFT look at layer numbers. */
    private Predicate<String> layers(JsonNode numbers, JsonNode patterns, boolean expression) {
        boolean all = numbers.isMissingNode() || numbers.isNull() || numbers.isArray() && numbers.isEmpty();
        if (all || expression) {
            return site -> true;
        }
        List<Integer> chosen = new ArrayList<>();
        (numbers.isArray() ? numbers : List.of(numbers)).forEach(number -> {
            if (!number.isInt()) {
                throw wrong("layers_to_transform must be a whole number or a list of them");
            }
            chosen.add(number.intValue());
        });
        List<Pattern> where = new ArrayList<>();
        (patterns.isTextual() ? List.of(patterns) : patterns).forEach(pattern -> where.add(
                compile(".*?\\." + pattern.asText() + "\\.(\\d+)\\..*", "layers_pattern")));
        List<Pattern> places = where.isEmpty() ? List.of(ANY_LAYER) : where;
        return site -> places.stream().map(place -> place.matcher(site)).filter(Matcher::matches).findFirst()
                .map(match -> match.group(1).length() < 9 && chosen.contains(Integer.valueOf(match.group(1))))
                .orElse(false);
    }

    private Map<Pattern, Double> patterns(JsonNode node, String field) {
        Map<Pattern, Double> patterns = new LinkedHashMap<>();
        if (!node.isMissingNode() && !node.isNull() && !node.isObject()) {
            throw wrong(field + " must be an object");
        }
        node.properties().forEach(entry -> patterns.put(compile("(?:.*\\.)?(?:" + entry.getKey() + ")", field),
                number(entry.getValue(), field + "." + entry.getKey(), -1)));
        return patterns;
    }

    private static double first(Map<Pattern, Double> patterns, String site, double otherwise) {
        return patterns.entrySet().stream().filter(entry -> entry.getKey().matcher(site).matches()).findFirst()
                .map(Map.Entry::getValue).orElse(otherwise);
    }

    private double number(JsonNode node, String field, double otherwise) {
        if (node.isMissingNode() && otherwise > 0) {
            return otherwise;
        }
        double value = node.doubleValue();
        if (!node.isNumber() || !(value > 0) || !(value < Integer.MAX_VALUE)) {
            throw wrong(field + " must be a number above 0");
        }
        return value;
    }

    private Pattern compile(String expression, String field) {
        try {
            return Pattern.compile(expression);
        } catch (PatternSyntaxException e) {
            throw new CheckpointException(file, field + " holds '" + expression + "', which is not a regular expression "
                    + "that Java knows (" + e.getDescription() + ")", "Name the modules in a list instead", e);
        }
    }

    private CheckpointException wrong(String rule) {
        return new CheckpointException(file, rule, MEND);
    }
}
