package org.finetune4j.jinja;

/**
 * A text that the filter {@code safe} made: Python escapes what is added to it.
 *
 * @param text the text
 */
record Markup(String text) {
    static String escape(String text) {
        return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;")
            .replace("\"", "&#34;");
    }
}
