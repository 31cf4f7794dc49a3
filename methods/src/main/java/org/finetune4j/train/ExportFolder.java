package org.finetune4j.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.select.Selecting;

/** What every saved folder has: a model card, the run's provenance, and a place that nothing else stands in. */
final class ExportFolder {
    static final String PROVENANCE = "finetune.json";

    private ExportFolder() {
    }

    /**
     * Writes a folder whole or not at all.
     *
     * @throws FinetuneException when the folder holds something that was not saved by this library, or the disk refuses
     */
    static void write(TunedModel tuned, ModelCard.Kind kind, Path folder, AtomicFiles files,
                      AtomicFiles.FolderContent content) {
        files.recover(folder);
        requireReplaceable(tuned, folder);
        try {
            Path parent = folder.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
        } catch (IOException e) {
            throw new FinetuneException(folder + " cannot be created: " + e + ". Choose another folder.", e);
        }
        files.writeFolder(folder, unfinished -> {
            content.writeTo(unfinished);
            unfinished.writeText(PROVENANCE, provenance(tuned));
            unfinished.writeText("README.md", ModelCard.of(tuned, kind));
        });
        files.removeLeftovers(folder);
    }

    private static void requireReplaceable(TunedModel tuned, Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> content = Files.list(folder)) {
            if (Files.isSameFile(folder, tuned.job().base().folder())) {
                throw new FinetuneException(folder + " is the base model's own folder. Choose another one.");
            }
            if (content.findAny().isPresent() && !Files.exists(folder.resolve(PROVENANCE))) {
                throw new FinetuneException(folder + " holds other files, which saving would replace. Choose a new folder, "
                        + "or empty this one.");
            }
        } catch (IOException e) {
            throw new FinetuneException(folder + " cannot be used: " + e + ". Choose another folder.", e);
        }
    }

    private static String provenance(TunedModel tuned) {
        FineTuning job = tuned.job();
        ObjectNode root = StrictJson.mapper().createObjectNode();
        try {
            root.set("recipe", StrictJson.mapper().readTree(job.recipe()));
        } catch (JsonProcessingException e) {
            root.put("recipe", job.recipe());
        }
        root.put("base", job.base().folder().toString());
        fragment(root.putObject("objective"), job.objective());
        if (job.adapter() != null) {
            fragment(root.putObject("adapter"), job.adapter());
        }
        List<Selecting> selecting = job.selecting();
        if (!selecting.isEmpty()) {
            ArrayNode selectors = root.putArray("selectors");
            selecting.forEach(selector -> fragment(selectors.addObject(), selector));
        }
        ObjectNode train = root.putObject("train");
        job.train().identity().forEach((name, value) -> train.put(name.substring("train.".length()), value));
        train.put("learningRate", Double.toString(job.train().learningRate(job.adapter() != null)));
        train.put("steps", tuned.lastStep().step());
        ObjectNode data = root.putObject("data");
        data.put("description", job.data().description()).put("sha256", tuned.data().hash())
                .put("samples", tuned.data().examples().size()).put("tokens", tuned.data().tokens())
                .put("supervisedTokens", tuned.data().supervisedTokens());
        ObjectNode metrics = root.putObject("metrics");
        tuned.comparisons().forEach(comparison -> {
            ObjectNode node = metrics.putObject(comparison.name());
            Baseline.put(node.putObject("before"), comparison.before());
            Baseline.put(node.putObject("after"), comparison.after());
        });
        ObjectNode versions = root.putObject("versions");
        RunRecord.versions().forEach(versions::put);
        return root.toPrettyString() + "\n";
    }

    private static void fragment(ObjectNode node, Fragment fragment) {
        node.put("name", fragment.method().name()).put("title", fragment.method().title())
                .put("source", fragment.method().source());
        ObjectNode settings = node.putObject("settings");
        fragment.settings().forEach((name, value) -> {
            if (value instanceof Fragment part) {
                fragment(settings.putObject(name), part);
            } else {
                settings.set(name, StrictJson.mapper().valueToTree(value));
            }
        });
    }

    /** The fragments whose methods are to be cited. */
    static List<Fragment> fragments(FineTuning job) {
        return Stream.of(job.selectors().stream(), job.epochSelectors().stream(), job.batchMethods().stream(),
                Stream.of(job.objective(), job.adapter()))
                .flatMap(parts -> parts).filter(java.util.Objects::nonNull).map(Fragment.class::cast).toList();
    }
}
