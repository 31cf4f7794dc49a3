package org.finetune4j.methods.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.Methods;
import org.finetune4j.methods.Settings;
import org.jspecify.annotations.Nullable;

/**
 * What a data method makes.
 *
 * @param method  makes it
 * @param sources what it makes it of
 */
public record MadeData(DataMethod method, List<DataSource> sources) implements DataSource {
    /** Keeps an immutable copy and refuses a wrong number of sources with a {@link FinetuneException}. */
    public MadeData {
        sources = List.copyOf(sources);
        if (sources.size() != method.needs().size()) {
            throw new FinetuneException(method.method().name() + " is given " + sources.size() + " sources, but needs "
                    + (method.needs().isEmpty() ? "none" : String.join(" and ", method.needs())) + ".");
        }
    }

    @Override
    public RowStream open(DataReport report) {
        return method.open(sources, report);
    }

    /** The method with the settings that differ from its defaults, and its sources. */
    @Override
    public String description() {
        Map<String, Object> own = new LinkedHashMap<>(method.settings());
        if (published()) {
            own.entrySet().removeAll(method.method().create(new Settings(Map.of())).settings().entrySet());
        }
        String call = method.method().name() + own.entrySet().stream().map(one -> one.getKey() + " = " + one.getValue())
                .collect(Collectors.joining(", ", "(", ")"));
        return sources.isEmpty() ? call
                : call + " of " + sources.stream().map(DataSource::description).collect(Collectors.joining(" and "));
    }

    /** Null where the method is somebody's own, for nobody knows what its code does. */
    @Override
    public @Nullable String fingerprint() {
        if (!published()) {
            return null;
        }
        ObjectNode text = StrictJson.mapper().createObjectNode().put("method", method.method().name());
        text.set("settings", StrictJson.mapper().valueToTree(method.settings()));
        text.put("files", method.files());
        ArrayNode of = text.putArray("of");
        for (DataSource source : sources) {
            String one = source.fingerprint();
            if (one == null) {
                return null;
            }
            of.add(one);
        }
        return text.toString();
    }

    private boolean published() {
        return Methods.all().contains(method.method());
    }
}
