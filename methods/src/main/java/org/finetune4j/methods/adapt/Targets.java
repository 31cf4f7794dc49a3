package org.finetune4j.methods.adapt;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.ModelShapes;

/**
 * The layers that a recipe names for a low-rank adapter, and the ranks and alphas that some of them have of their own.
 *
 * @param rank    the rank of layers that {@code ranks} does not name
 * @param alpha   the alpha of layers that {@code alphas} does not name
 * @param targets whole segments of module paths
 * @param ranks   entries {@code target=rank}; the first that names a layer rules
 * @param alphas  entries {@code target=alpha}; the first that names a layer rules
 */
record Targets(int rank, double alpha, List<String> targets, List<String> ranks, List<String> alphas)
        implements LowRank.Sites {
    /** Refuses settings out of range with a {@link FinetuneException}. */
    void require(String method) {
        Settings.require(rank >= 1, method, "rank", rank, "at least 1");
        Settings.require(alpha > 0 && Double.isFinite(alpha), method, "alpha", alpha, "a finite number above 0");
        Settings.require(!targets.isEmpty() && targets.stream().noneMatch(String::isBlank), method, "targets", targets,
                "one or more module names such as q_proj");
        Settings.require(ranks.stream().allMatch(entry -> value(entry) >= 1 && value(entry) == Math.rint(value(entry))),
                method, "ranks", ranks, "a list of entries such as down_proj=4, each with a whole number of at least 1");
        Settings.require(alphas.stream().allMatch(entry -> value(entry) > 0 && Double.isFinite(value(entry))), method,
                "alphas", alphas, "a list of entries such as down_proj=32, each with a finite number above 0");
    }

    @Override
    public int rank(String site) {
        return targets.stream().noneMatch(target -> ModelShapes.names(target, site)) ? 0
                : (int) of(ranks, site, rank);
    }

    @Override
    public double alpha(String site) {
        return of(alphas, site, alpha);
    }

    /** Refuses names that no layer has. */
    void requireNamed(String method, Set<String> layers) {
        List<String> named = new ArrayList<>(targets);
        ranks.forEach(entry -> named.add(key(entry)));
        alphas.forEach(entry -> named.add(key(entry)));
        for (String target : named) {
            if (layers.stream().noneMatch(site -> ModelShapes.names(target, site))) {
                Set<String> last = new TreeSet<>();
                layers.forEach(site -> last.add(site.substring(site.lastIndexOf('.') + 1)));
                throw new FinetuneException(method + ": target '" + target + "' names no linear layer of the model, so "
                        + "nothing would train there; the layers are named " + String.join(", ", last)
                        + ". Correct or remove the target.");
            }
        }
    }

    /** What PEFT's {@code adapter_config.json} says of layers, ranks and alphas. */
    Map<String, Object> peftConfig(Collection<String> sites) {
        // PEFT matches the end of a path only; a target that stands further in front is written out layer by layer.
        Set<String> modules = new LinkedHashSet<>();
        for (String target : targets) {
            modules.addAll(atTheEnd(target, sites));
        }
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("r", rank);
        config.put("lora_alpha", number(alpha));
        config.put("target_modules", List.copyOf(modules));
        config.put("rank_pattern", pattern(ranks, sites));
        config.put("alpha_pattern", pattern(alphas, sites));
        return config;
    }

    private static Map<String, Object> pattern(List<String> entries, Collection<String> sites) {
        Map<String, Object> pattern = new LinkedHashMap<>();
        // Keys there are regular expressions; dots in module paths match themselves.
        entries.forEach(entry -> atTheEnd(key(entry), sites).forEach(name -> pattern.putIfAbsent(name,
                number(value(entry)))));
        return pattern;
    }

    private static List<String> atTheEnd(String target, Collection<String> sites) {
        List<String> named = sites.stream().filter(site -> ModelShapes.names(target, site)).toList();
        boolean atTheEnd = named.stream().allMatch(site -> ("." + site).endsWith("." + target));
        if (target.equals(ModelShapes.ALL_LINEAR)) {
            return named.stream().map(site -> site.substring(site.lastIndexOf('.') + 1)).distinct().sorted().toList();
        }
        return atTheEnd ? List.of(target) : named;
    }

    private static double of(List<String> entries, String site, double otherwise) {
        return entries.stream().filter(entry -> ModelShapes.names(key(entry), site)).findFirst().map(Targets::value)
                .orElse(otherwise);
    }

    private static String key(String entry) {
        return entry.substring(0, Math.max(0, entry.indexOf('=')));
    }

    /** NaN where the entry is none. */
    private static double value(String entry) {
        try {
            return key(entry).isBlank() ? Double.NaN : Double.parseDouble(entry.substring(entry.indexOf('=') + 1));
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /** Whole numbers without a point, as PEFT writes them. */
    static Object number(double value) {
        return value == Math.rint(value) ? (Object) (long) value : (Object) value;
    }
}
