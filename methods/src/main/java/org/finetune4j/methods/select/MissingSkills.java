package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;
import org.finetune4j.tokenizer.Message;

/**
 * What the policy cannot do, told by its answers to questions that are never trained on.
 *
 * @param difficult questions that it answered badly
 * @param profiles  the skills that its answer to each of them lacks
 * @param unknown   how many names the teacher gave that are no skill of the pool
 */
record MissingSkills(List<Sample> difficult, List<List<String>> profiles, int unknown) {
    static final int TOKENS = 128;
    private static final double TEMPERATURE = 0.1;

    /**
     * Examines the policy.
     *
     * @param validation   the questions
     * @param hard         rejects a bad answer
     * @param teacher      names the skills that a bad answer lacks
     * @param skills       all there are
     * @param maxNewTokens longest answer of the policy
     * @param most         bad answers that are looked into at most, the first ones
     */
    static MissingSkills of(List<Sample> validation, Judge hard, TextSource teacher, Collection<String> skills,
                            int maxNewTokens, int most, Asker asker) {
        Decoding decoding = new Decoding(TEMPERATURE, 1, maxNewTokens);
        List<TextAnswer> answers = asker.answer(new Policy(), "answer the validation questions", validation.stream()
                .map(sample -> new TextRequest(sample.id(), sample.promptConversation(), decoding, 0)).toList());
        List<Reply> replies = new ArrayList<>();
        for (int i = 0; i < validation.size(); i++) {
            replies.add(new Reply(validation.get(i), AnswerText.of(answers.get(i))));
        }
        List<Verdict> verdicts = hard.judge(replies, asker);
        List<Reply> bad = new ArrayList<>();
        for (int i = 0; i < replies.size() && bad.size() < most; i++) {
            if (verdicts.get(i) != Verdict.ACCEPTED) {
                bad.add(replies.get(i));
            }
        }
        List<TextAnswer> named = asker.answer(teacher, "name the missing skills", bad.stream().map(reply ->
                new TextRequest(reply.sample().id(), List.of(Message.user(question(reply, skills))),
                        Decoding.greedy(TOKENS), 0)).toList());
        Set<String> known = Set.copyOf(skills);
        List<List<String>> profiles = new ArrayList<>();
        int unknown = 0;
        for (TextAnswer answer : named) {
            List<String> names = SkillLabels.of(AnswerText.of(answer));
            profiles.add(names.stream().filter(known::contains).toList());
            unknown += names.size() - profiles.get(profiles.size() - 1).size();
        }
        return new MissingSkills(bad.stream().map(Reply::sample).toList(), profiles, unknown);
    }

    private static String question(Reply reply, Collection<String> skills) {
        return "A student answered a question badly.\n\nQuestion:\n" + reply.question() + "\n\nThe student's answer:\n"
                + reply.text() + "\n\nSkills:\n" + String.join("\n", skills) + "\n\nWhich of these skills did the "
                + "answer fail to "
                + "use? Reply with their names as they stand in the list, with commas between, and with nothing else.";
    }
}
