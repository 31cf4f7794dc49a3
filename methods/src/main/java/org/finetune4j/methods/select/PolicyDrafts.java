package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.tokenizer.Message;

/**
 * Drafts of the policy before training.
 *
 * @param shots     samples that are shown before each question
 * @param proposals drafts of each question
 * @param decoding  how they are drawn
 * @param seed      of the draws
 */
record PolicyDrafts(int shots, int proposals, Decoding decoding, long seed) {
    /** Drafts of the policy, which is shown the first other samples as if it had answered them. */
    List<List<String>> of(List<Sample> samples, Asker asker) {
        List<Sample> examples = samples.stream().filter(sample -> sample.response() != null).toList();
        List<TextRequest> requests = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            List<Message> turns = new ArrayList<>(sample.prompt());
            int place = !turns.isEmpty() && "system".equals(turns.get(0).role()) ? 1 : 0;
            for (Sample example : examples.stream().filter(other -> !other.prompt().equals(sample.prompt()))
                    .limit(shots).toList()) {
                List<Message> demonstration = example.messages().stream().filter(turn -> !"system".equals(turn.role()))
                        .toList();
                turns.addAll(place, demonstration);
                place += demonstration.size();
            }
            long own = CounterRandom.seed(seed, "aft.draft", i);
            for (int j = 0; j < proposals; j++) {
                requests.add(new TextRequest(sample.id(), sample.conversation().withMessages(turns), decoding,
                        CounterRandom.bits(own, j)));
            }
        }
        List<TextAnswer> answers = asker.answer(new Policy(), "draft answers", requests);
        return IntStream.range(0, samples.size()).mapToObj(i -> answers.subList(i * proposals, (i + 1) * proposals)
                .stream()
                .map(AnswerText::of).filter(text -> !text.isEmpty()).toList()).toList();
    }
}
