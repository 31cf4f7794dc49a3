package org.finetune4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.DataPosition;

/**
 * Where a run stands, beside its arrays. Data order, dropout and learning rate are pure functions of the seed, the step
 * and the settings, so that these numbers and what methods remember are all the state there is.
 *
 * @param step     optimiser steps made
 * @param updates  how many of them changed the weights: a step with nothing left to learn changes none
 * @param position where the next step begins in the data
 * @param identity what must be the same for a run to continue, by the names of the settings
 * @param recipe   the recipe as JSON, for the reader
 * @param versions what the run was made with, for the reader
 * @param states   what methods remember, by the names of their {@link RunState}s
 */
public record CheckpointState(long step, long updates, DataPosition position, Map<String, String> identity, String recipe,
                              Map<String, String> versions, Map<String, String> states) {
    private static final int FORMAT = 1;

    /** Keeps copies in their order. */
    public CheckpointState {
        identity = Collections.unmodifiableMap(new LinkedHashMap<>(identity));
        versions = Collections.unmodifiableMap(new LinkedHashMap<>(versions));
        states = Collections.unmodifiableMap(new LinkedHashMap<>(states));
    }

    String toJson() {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.put("format", FORMAT).put("step", step).put("updates", updates);
        root.putObject("position").put("epoch", position.epoch()).put("index", position.index());
        identity.forEach(root.putObject("identity")::put);
        root.put("recipe", recipe);
        versions.forEach(root.putObject("versions")::put);
        if (!states.isEmpty()) {
            states.forEach(root.putObject("states")::put);
        }
        return root.toPrettyString();
    }

    static CheckpointState fromJson(Path file, String json) {
        ObjectNode root = StrictJson.parseObject(json, file);
        JsonNode position = root.path("position");
        if (root.path("format").asInt() != FORMAT || !root.path("step").canConvertToLong()
                || !position.path("epoch").canConvertToInt() || !position.path("index").canConvertToInt()
                || !root.path("identity").isObject()) {
            throw new CheckpointException(file, "it is not the state of a run in format " + FORMAT,
                    "Continue with the version of finetune4j that wrote it");
        }
        return new CheckpointState(root.path("step").longValue(),
                // Earlier ones counted every step.
                root.path("updates").asLong(root.path("step").longValue()),
                new DataPosition(position.path("epoch").intValue(), position.path("index").intValue()),
                texts(root.path("identity")), root.path("recipe").asText(), texts(root.path("versions")),
                texts(root.path("states")));
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> texts = new LinkedHashMap<>();
        object.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
        return texts;
    }
}
