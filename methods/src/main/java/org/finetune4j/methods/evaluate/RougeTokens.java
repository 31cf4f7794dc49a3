package org.finetune4j.methods.evaluate;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.tartarus.snowball.ext.PorterStemmer;

/** The tokens of rouge-score: runs of ASCII letters and digits in lower case, stems of the longer ones if asked for. */
final class RougeTokens {
    private static final Pattern OTHERS = Pattern.compile("[^a-z0-9]+");
    private static final int LONGEST_UNSTEMMED = 3;

    private RougeTokens() {
    }

    static List<String> of(String text, boolean stemmer) {
        PorterStemmer porter = new PorterStemmer();
        return OTHERS.splitAsStream(text.toLowerCase(Locale.ROOT)).filter(token -> !token.isEmpty())
                .map(token -> stemmer && token.length() > LONGEST_UNSTEMMED ? stem(porter, token) : token).toList();
    }

    /** Of each line that is not empty. */
    static List<List<String>> ofLines(String text, boolean stemmer) {
        return List.of(text.split("\n")).stream().filter(line -> !line.isEmpty()).map(line -> of(line, stemmer)).toList();
    }

    private static String stem(PorterStemmer porter, String token) {
        porter.setCurrent(token);
        porter.stem();
        return porter.getCurrent();
    }
}
