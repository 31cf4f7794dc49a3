package org.finetune4j.methods.data.puzzle;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;

/**
 * A hand of General Points: the cards, what their faces count for, and what a formula over them shall equal.
 *
 * @param cards  1 to 13 for A to K, 14 to 19 for themselves, at least 2 of them
 * @param faces  what J, Q and K count for
 * @param target what the formula shall equal
 */
public record PointsHand(List<Integer> cards, CardFaces faces, int target) {
    private static final Pattern ASKED =
            Pattern.compile("Make (\\d{1,9}) of the cards ((?:(?:[AJQK]|\\d{1,2}) ?)+)\\. ");

    /** Keeps an immutable copy. */
    public PointsHand {
        cards = List.copyOf(cards);
    }

    /** What the cards count for, in order. */
    public List<Integer> numbers() {
        return faces.values(cards);
    }

    /** What is asked. */
    public String prompt() {
        return "Make " + target + " of the cards "
                + cards.stream().map(CardFaces::name).collect(Collectors.joining(" ")) + ". A counts as 1, "
                + faces.announcement() + ". Use every card once, with + - * / and brackets. Answer in JSON: "
                + "{\"cards\": [...], \"numbers\": [...], \"formula\": \"...\"}";
    }

    /** Whether a prompt asks for a formula as this class does. */
    public static boolean isAsked(String prompt) {
        return ASKED.matcher(prompt).lookingAt();
    }

    /**
     * The hand that a prompt shows.
     *
     * @throws FinetuneException when it shows none
     */
    public static PointsHand asked(String prompt) {
        Matcher matcher = ASKED.matcher(prompt);
        if (!matcher.lookingAt()) {
            throw new FinetuneException("this prompt shows no hand of cards: " + prompt);
        }
        return new PointsHand(Arrays.stream(matcher.group(2).split(" ")).map(CardFaces::card).toList(),
                CardFaces.announced(prompt), Integer.parseInt(matcher.group(1)));
    }

    /**
     * The answer that a solver gives.
     *
     * @param form     with or without the attempts that lead to the solution
     * @param attempts how many failed attempts are shown at most
     * @throws FinetuneException when the hand has no solution
     */
    public String answer(AnswerForm form, int attempts) {
        PointsSolver.Solution solution = PointsSolver.solve(numbers(), target, attempts);
        if (solution == null) {
            throw new FinetuneException("no formula over " + numbers() + " equals " + target + ".");
        }
        List<String> lines = new ArrayList<>();
        lines.add("The cards count " + numbers().stream().map(String::valueOf).collect(Collectors.joining(", ")) + ".");
        solution.failures().forEach(failure -> lines.add(failure + ", not " + target + "."));
        lines.add(String.join(", ", solution.steps()) + ".");
        return form.write(String.join("\n", lines), json(solution.formula()));
    }

    private String json(String formula) {
        ObjectNode answer = StrictJson.mapper().createObjectNode();
        ArrayNode names = answer.putArray("cards");
        cards.forEach(card -> names.add(CardFaces.name(card)));
        ArrayNode values = answer.putArray("numbers");
        numbers().forEach(values::add);
        return answer.put("formula", formula).toString();
    }

    /** The score of an answer by what these cards count for; an answer without JSON is {@link PointsScore#ILLEGAL}. */
    public PointsScore score(String answer) {
        JsonNode formula = last(answer).path("formula");
        return formula.isTextual() ? PointsScore.of(formula.asText(), numbers(), target) : PointsScore.ILLEGAL;
    }

    /** Whether an answer obeys the faces: it lists what the cards count for, and its formula is legal over them. */
    public boolean isValid(String answer) {
        List<Integer> listed = new ArrayList<>();
        last(answer).path("numbers").forEach(number -> listed.add(number.asInt()));
        return listed.stream().sorted().toList().equals(numbers().stream().sorted().toList()) && score(answer)
                .isLegal();
    }

    /** The last object of a text, or a missing node. */
    private static JsonNode last(String text) {
        int begin = text.lastIndexOf('{');
        int end = text.indexOf('}', Math.max(0, begin));
        if (begin < 0 || end < 0) {
            return StrictJson.mapper().missingNode();
        }
        try {
            return StrictJson.mapper().readTree(text.substring(begin, end + 1));
        } catch (JsonProcessingException e) {
            return StrictJson.mapper().missingNode();
        }
    }
}
