package org.finetune4j.methods.select;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.tokenizer.Message;

/**
 * One instruction with its answers.
 *
 * @param persona     whose it is
 * @param instruction what is asked
 * @param answers     to it
 * @param ratings     of the answers; not a number for one that may not be chosen
 * @param choice      the best and the worst
 * @param difficulty  of the instruction, 1 to 10; not a number where nobody said
 */
record PikaItem(Sample persona, TextAnswer instruction, List<TextAnswer> answers, List<Double> ratings,
                BestAndWorst choice, double difficulty) {
    PikaItem withDifficulty(double known) {
        return new PikaItem(persona, instruction, answers, ratings, choice, known);
    }

    private String answer(int place) {
        return AnswerText.of(answers.get(place));
    }

    /** What is trained on: the best answer, or all that may be chosen as candidates. */
    Sample sample(boolean all) {
        List<Message> asked = List.of(Message.user(AnswerText.of(instruction)));
        Sample question = new Sample("pika:" + persona.id(), asked, !all ? List.of() : IntStream.range(0,
                answers.size())
                .filter(i -> !Double.isNaN(ratings.get(i))).mapToObj(i -> new Sample.Candidate(answer(i), "answer "
                + (i + 1)))
                .toList(), null, Map.of("persona", persona.id()));
        return all ? question : question.withResponse(answer(choice.best()));
    }

    /**
     * One line of the file, which is read as prompt and response, or with {@code chosen} and {@code worst} as a pair.
     */
    String line(String writer, String answerer, long seed) {
        ObjectNode line = StrictJson.mapper().createObjectNode().put("persona", persona.id())
                .put("prompt", AnswerText.of(instruction)).put("response", answer(choice.best()))
                .put("worst", answer(choice.worst())).put("gap", choice.gap()).put("best", choice.best());
        ArrayNode texts = line.putArray("answers");
        IntStream.range(0, answers.size()).forEach(i -> texts.add(answer(i)));
        ArrayNode numbers = line.putArray("ratings");
        ratings.forEach(rating -> {
            if (Double.isNaN(rating)) {
                numbers.addNull();
            } else {
                numbers.add(rating);
            }
        });
        if (!Double.isNaN(difficulty)) {
            line.put("difficulty", difficulty);
        }
        return line.put("writer", writer).put("answerer", answerer).put("seed", seed).toString();
    }
}
