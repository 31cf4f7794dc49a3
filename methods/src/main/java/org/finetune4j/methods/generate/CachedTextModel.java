package org.finetune4j.methods.generate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model that is asked the same thing only once, also over several runs when its answers are kept on disk. */
public final class CachedTextModel implements TextModel {
    private final TextModel model;
    private final AnswerCache cache;

    /** A model whose answers are kept. */
    public CachedTextModel(TextModel model, AnswerCache cache) {
        this.model = model;
        this.cache = cache;
    }

    @Override
    public void answer(List<TextRequest> requests, Listener listener) {
        Map<String, List<Integer>> asked = new LinkedHashMap<>();
        for (int i = 0; i < requests.size(); i++) {
            String key = AnswerCache.key(model.identity(), requests.get(i));
            @Nullable TextAnswer known = cache.get(key);
            if (known != null) {
                listener.answered(i, known);
            } else {
                asked.computeIfAbsent(key, missing -> new ArrayList<>()).add(i);
            }
        }
        if (asked.isEmpty()) {
            return;
        }
        List<String> keys = List.copyOf(asked.keySet());
        model.answer(keys.stream().map(key -> requests.get(asked.get(key).get(0))).toList(), (place, answer) -> {
            String key = keys.get(place);
            cache.put(key, answer);
            asked.get(key).forEach(i -> listener.answered(i, answer));
        });
    }

    @Override
    public String identity() {
        return model.identity();
    }

    @Override
    public void close() {
        model.close();
    }
}
