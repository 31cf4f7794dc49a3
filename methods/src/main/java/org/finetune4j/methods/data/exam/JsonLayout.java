package org.finetune4j.methods.data.exam;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.checkpoint.StrictJson;

/** Fields as a flat JSON object of texts. What is read need not be whole: every field that is complete counts. */
final class JsonLayout {
    /** A text that is closed, or cut off at the end of the answer. */
    private static final String TEXT = "\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*+)(\"|\\z)";

    private JsonLayout() {
    }

    static String write(Map<String, String> values) {
        return StrictJson.mapper().valueToTree(values).toString();
    }

    static Map<String, String> read(String answer, List<String> fields) {
        Map<String, String> values = new LinkedHashMap<>();
        String object = answer.substring(Math.max(0, answer.indexOf('{'))).split("\\R\\s*Question:", 2)[0];
        for (String field : fields) {
            Matcher matcher = Pattern.compile(Pattern.quote("\"" + field + "\"") + TEXT, Pattern.DOTALL)
                    .matcher(object);
            if (matcher.find()) {
                values.put(field, plain(matcher.group(1)));
            }
        }
        return values;
    }

    /** Without escapes; an escape that is cut off or unknown stays as it is written. */
    private static String plain(String escaped) {
        try {
            return StrictJson.mapper().readTree("\"" + escaped.replace("\n", "\\n").replace("\r", "\\r")
                    .replace("\t", "\\t")
                    + "\"").asText();
        } catch (JsonProcessingException e) {
            return escaped;
        }
    }
}
