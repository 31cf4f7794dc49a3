package org.finetune4j.methods.evaluate;

import java.util.List;
import java.util.regex.Pattern;

/** How a text becomes the tokens that BLEU counts, by the names of sacrebleu. */
public enum BleuTokens {
    /** That of the WMT's script mteval-v13a: punctuation stands apart, apostrophes stay, numbers stay whole. */
    MTEVAL_13A("13a"),
    /** What white space parts. */
    NONE("none"),
    /** Single characters. */
    CHAR("char");

    private static final Pattern SYMBOLS = Pattern.compile("([{-~\\[-` -&(-+:-@/])");
    private static final Pattern POINT_AFTER_OTHER = Pattern.compile("([^0-9])([.,])");
    private static final Pattern POINT_BEFORE_OTHER = Pattern.compile("([.,])([^0-9])");
    private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    private final String label;

    BleuTokens(String label) {
        this.label = label;
    }

    /** Its name in sacrebleu. */
    public String label() {
        return label;
    }

    /** The tokens of a text. */
    public List<String> of(String text) {
        return switch (this) {
            case MTEVAL_13A -> words(mteval(text));
            case NONE -> words(text);
            case CHAR -> text.codePoints().filter(c -> !Character.isWhitespace(c) && !Character.isSpaceChar(c))
                    .mapToObj(Character::toString).toList();
        };
    }

    private static String mteval(String text) {
        String line = text.stripTrailing().replace("<skipped>", "").replace("-\n", "").replace("\n", " ").replace("&quot;", "\"")
                .replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        line = SYMBOLS.matcher(" " + line + " ").replaceAll(" $1 ");
        line = POINT_AFTER_OTHER.matcher(line).replaceAll("$1 $2 ");
        line = POINT_BEFORE_OTHER.matcher(line).replaceAll(" $1 $2");
        return DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
    }

    private static List<String> words(String text) {
        return SPACE.splitAsStream(text).filter(word -> !word.isEmpty()).toList();
    }
}
