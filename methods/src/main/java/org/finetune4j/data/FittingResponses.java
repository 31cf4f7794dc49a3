package org.finetune4j.data;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.Sample.Candidate;

/**
 * Samples without the candidate responses that are too long, so that none of them is chosen and then left out.
 *
 * @param samples       the samples that keep a response, in their order
 * @param longResponses how many responses were left out, those of samples without candidates among them
 * @param lostSamples   how many samples lost every response
 */
public record FittingResponses(List<Sample> samples, int longResponses, int lostSamples) {
    /** Keeps an immutable copy. */
    public FittingResponses {
        samples = List.copyOf(samples);
    }

    /**
     * Leaves out the responses with which their samples are longer than {@code maxLength} tokens, on all processors.
     *
     * @throws org.finetune4j.FinetuneException when a sample cannot be encoded
     */
    public static FittingResponses of(List<Sample> samples, SampleEncoding encoding, int maxLength) {
        List<List<Candidate>> fitting = samples.parallelStream().map(sample -> sample.candidates().stream()
                .filter(candidate -> fits(sample.withResponse(candidate.text()), encoding, maxLength)).toList())
                .toList();
        List<Boolean> alone = samples.parallelStream().map(sample -> !sample.candidates().isEmpty()
                || sample.response() == null || fits(sample, encoding, maxLength)).toList();
        List<Sample> kept = new ArrayList<>();
        int lost = 0;
        int responses = 0;
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            boolean chooses = !sample.candidates().isEmpty();
            responses += alone.get(i) ? sample.candidates().size() - fitting.get(i).size() : 1;
            if (!alone.get(i) || chooses && fitting.get(i).isEmpty()) {
                lost++;
            } else {
                kept.add(chooses ? sample.withCandidates(fitting.get(i)) : sample);
            }
        }
        return new FittingResponses(kept, responses, lost);
    }

    private static boolean fits(Sample sample, SampleEncoding encoding, int maxLength) {
        return encoding.encode(sample).ids().length <= maxLength;
    }
}
