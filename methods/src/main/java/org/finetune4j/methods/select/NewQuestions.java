package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.select.SkillDraws.Draw;
import org.finetune4j.tokenizer.Message;

/**
 * Lets a teacher invent questions for missing skills and solve them, and keeps those whose solutions agree.
 *
 * @param teacher      the model
 * @param each         new questions for each draw
 * @param solutions    of each question
 * @param agree        how many must give the same final answer
 * @param maxNewTokens longest question or solution
 * @param seed         of the draws
 */
record NewQuestions(TextSource teacher, int each, int solutions, int agree, int maxNewTokens, long seed) {
    private static final double TEMPERATURE = 0.8;
    private static final ExactMatch FINAL_ANSWER = ExactMatch.gsm8kFlexible();

    /**
     * What was made.
     *
     * @param samples   one for each solution that agrees, those of a question together
     * @param questions how many questions were asked for
     * @param kept      how many have solutions that agree
     */
    record Made(List<Sample> samples, int questions, int kept) {
    }

    /** Makes questions for draws of reference questions out of a pool. */
    Made of(List<Draw> draws, List<Sample> pool, Asker asker) {
        Decoding decoding = new Decoding(TEMPERATURE, 1, maxNewTokens);
        List<TextRequest> invent = new ArrayList<>();
        for (int i = 0; i < draws.size(); i++) {
            for (int j = 0; j < each; j++) {
                invent.add(new TextRequest("stat:" + draws.get(i).skill(), List.of(Message.user(request(draws.get(i),
                        pool))),
                        decoding, CounterRandom.seed(seed, "stat.question", (long) i * each + j)));
            }
        }
        List<String> questions = asker.answer(teacher, "invent questions", invent).stream()
                .map(answer -> answer.complete() ? AnswerText.of(answer) : "").toList();
        List<Integer> asked = IntStream.range(0, questions.size()).filter(i -> !questions.get(i).isEmpty()).boxed()
                .toList();
        List<TextRequest> solve = new ArrayList<>();
        for (int i : asked) {
            for (int j = 0; j < solutions; j++) {
                solve.add(new TextRequest("stat:" + (i + 1), List.of(Message.user(questions.get(i))), decoding,
                        CounterRandom.seed(seed, "stat.solution", (long) i * solutions + j)));
            }
        }
        List<TextAnswer> answers = asker.answer(teacher, "solve the new questions", solve);
        List<Sample> made = new ArrayList<>();
        int kept = 0;
        for (int i = 0; i < asked.size(); i++) {
            int question = asked.get(i);
            List<TextAnswer> solved = answers.subList(i * solutions, (i + 1) * solutions);
            List<String> texts = solved.stream().map(AnswerText::of).toList();
            // A solution that was cut off may end with any number.
            List<Optional<String>> finals = solved.stream().map(answer -> answer.complete()
                    ? FINAL_ANSWER.answer(AnswerText.of(answer)) : Optional.<String>empty()).toList();
            List<Integer> agreeing = Agreement.of(finals, agree);
            kept += agreeing.isEmpty() ? 0 : 1;
            for (int place : agreeing) {
                made.add(new Sample("stat:" + (question + 1), List.of(Message.user(questions.get(question)),
                        Message.assistant(texts.get(place))), List.of(), finals.get(place).orElseThrow(),
                        Map.of("skill", draws.get(question / each).skill())));
            }
        }
        return new Made(made, questions.size(), kept);
    }

    private static String request(Draw draw, List<Sample> pool) {
        StringBuilder text = new StringBuilder("Here are questions that exercise the skill '" + draw.skill() + "'.\n");
        for (int place : draw.places()) {
            List<Message> turns = pool.get(place).prompt();
            text.append("\nQuestion:\n").append(turns.get(turns.size() - 1).text()).append('\n');
        }
        return text.append("\nInvent one new question that exercises this skill and has one right answer. Reply with "
                + "the "
                + "question alone.").toString();
    }
}
