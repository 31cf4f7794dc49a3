package org.finetune4j.generation.structure;

import java.util.Map;
import java.util.TreeMap;

/** Strings of the named formats, as regular expressions. Dates are those of the Gregorian calendar, times have zones. */
final class JsonFormats {
    private static final String LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
    private static final String DATE = "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
            + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|" + LEAP_YEAR + "-02-29)";
    private static final String TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
            + "(?:Z|\\+(?:0[0-9]|1[0-3]):[0-5][0-9]|-(?:0[1-9]|1[01]):[0-5][0-9])";
    private static final String OCTET = "(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])";
    private static final String LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?";

    /** The regular expression of each format. */
    static final Map<String, String> KNOWN = new TreeMap<>(Map.of("date", DATE, "time", TIME, "date-time", DATE + "T"
            + TIME,
            "uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ipv4", OCTET + "(?:\\." + OCTET
            + "){3}",
            "email", "[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,16}){0,2}@(?:" + LABEL + "\\.){1,3}[A-Za-z]{2,10}"));

    private JsonFormats() {
    }
}
