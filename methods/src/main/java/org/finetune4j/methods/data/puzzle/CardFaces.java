package org.finetune4j.methods.data.puzzle;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.FinetuneException;

/**
 * What the cards J, Q and K count for; A counts 1, and every other card what it says.
 *
 * @param jack  1 to 19
 * @param queen 1 to 19
 * @param king  1 to 19
 */
public record CardFaces(int jack, int queen, int king) {
    /** The highest that a face or a card may count. */
    static final int HIGHEST = 19;
    private static final Pattern ANNOUNCED =
            Pattern.compile("J counts as (\\d+), Q counts as (\\d+), K counts as (\\d+)");
    private static final List<String> NAMES = List.of("A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K");

    /** Refuses values out of range with a {@link FinetuneException}. */
    public CardFaces {
        for (int value : new int[] {jack, queen, king}) {
            if (value < 1 || value > HIGHEST) {
                throw new FinetuneException("a face card counts as " + value + ", but must be at least 1 and at most "
                        + HIGHEST + ".");
            }
        }
    }

    /**
     * The map that a text such as {@code 8,9,10} gives for J, Q and K.
     *
     * @throws FinetuneException when it does not give three whole numbers in range
     */
    public static CardFaces of(String text) {
        String[] parts = text.split(",", -1);
        try {
            if (parts.length == 3) {
                return new CardFaces(Integer.parseInt(parts[0].strip()), Integer.parseInt(parts[1].strip()),
                        Integer.parseInt(parts[2].strip()));
            }
        } catch (NumberFormatException e) {
            // Refused below.
        }
        throw new FinetuneException("the faces '" + text
                + "' do not give J, Q and K. Give three whole numbers, such as "
                + "10,10,10.");
    }

    /** What a card counts for: 1 to 13 are A to K, and higher ones what they say. */
    public int value(int card) {
        return switch (card) {
            case 11 -> jack;
            case 12 -> queen;
            case 13 -> king;
            default -> card;
        };
    }

    /** What the cards count for, in order. */
    public List<Integer> values(List<Integer> cards) {
        return cards.stream().map(this::value).toList();
    }

    /** What a card is called. */
    static String name(int card) {
        return card <= NAMES.size() ? NAMES.get(card - 1) : Integer.toString(card);
    }

    /** The card that is called so. */
    static int card(String name) {
        int place = NAMES.indexOf(name);
        return place >= 0 ? place + 1 : Integer.parseInt(name);
    }

    /** How a prompt says it. */
    String announcement() {
        return "J counts as " + jack + ", Q counts as " + queen + ", K counts as " + king;
    }

    /**
     * What a prompt announces.
     *
     * @throws FinetuneException when it announces none
     */
    public static CardFaces announced(String prompt) {
        Matcher matcher = ANNOUNCED.matcher(prompt);
        if (!matcher.find()) {
            throw new FinetuneException("this prompt does not say what J, Q and K count for: " + prompt);
        }
        return new CardFaces(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)),
                Integer.parseInt(matcher.group(3)));
    }
}
