package org.finetune4j.methods.data.exam;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.finetune4j.FinetuneException;

/**
 * How answers to multiple-choice questions did.
 *
 * @param items          how many questions there are
 * @param malformed      answers that give no letter
 * @param accuracy       share with the right letter; a malformed answer is wrong
 * @param domainAccuracy the same for every domain, but with malformed answers left out, as the published code has it,
 *                       so that it is not comparable with {@code accuracy}; NaN where all are malformed
 * @param combined       share with the right letter and the right domain
 * @param confusion      answers by right letter (first) and chosen letter, malformed ones left out
 */
public record ExamScore(int items, int malformed, double accuracy, Map<String, Double> domainAccuracy, double combined,
                        int[][] confusion) {
    /**
     * The score.
     *
     * @param synonyms other names of domains, in lower case, by which they may be called
     * @throws FinetuneException when there is no item, or the lists differ in length
     */
    public static ExamScore of(List<AnswerLayout.Parsed> answers, List<ExamItem> items, Map<String, String> synonyms) {
        if (items.isEmpty() || items.size() != answers.size()) {
            throw new FinetuneException("an exam needs one answer for each question, at least one, but there are "
                    + answers.size() + " for " + items.size() + ".");
        }
        int letters = ExamItem.LETTERS.length();
        int[][] confusion = new int[letters][letters];
        Map<String, int[]> domains = new LinkedHashMap<>();
        int malformed = 0;
        int right = 0;
        int both = 0;
        for (int i = 0; i < items.size(); i++) {
            ExamItem item = items.get(i);
            AnswerLayout.Parsed answer = answers.get(i);
            int[] domain = domains.computeIfAbsent(item.domain(), any -> new int[2]);
            Character letter = answer.letter();
            if (letter == null) {
                malformed++;
                continue;
            }
            confusion[ExamItem.LETTERS.indexOf(item.letter())][ExamItem.LETTERS.indexOf(letter)]++;
            domain[1]++;
            if (letter == item.letter()) {
                right++;
                domain[0]++;
                both += name(answer.domain() == null ? "" : answer.domain(), synonyms)
                        .equals(name(item.domain(), synonyms))
                        ? 1 : 0;
            }
        }
        Map<String, Double> domainAccuracy = new LinkedHashMap<>();
        domains.forEach((domain, counts) -> {
            if (counts[1] > 0) {
                domainAccuracy.put(domain, (double) counts[0] / counts[1]);
            }
        });
        return new ExamScore(items.size(), malformed, (double) right / items.size(), domainAccuracy,
                (double) both / items.size(), confusion);
    }

    private static String name(String domain, Map<String, String> synonyms) {
        String lower = domain.strip().toLowerCase(Locale.ROOT);
        return synonyms.getOrDefault(lower, lower).toLowerCase(Locale.ROOT);
    }

    /** The share of answers that give no letter. */
    public double parseFailure() {
        return (double) malformed / items;
    }

    /** How far the chosen letters are from the right ones, whatever is right: 0 without any bias. */
    public double optionBias() {
        double[] chosen = new double[confusion.length];
        double[] gold = new double[confusion.length];
        for (int g = 0; g < confusion.length; g++) {
            for (int c = 0; c < confusion.length; c++) {
                chosen[c] += confusion[g][c];
                gold[g] += confusion[g][c];
            }
        }
        return bias(chosen, gold);
    }

    /** The same among the questions whose right letter is this one. */
    public double optionBias(char right) {
        int row = ExamItem.LETTERS.indexOf(right);
        double[] chosen = new double[confusion.length];
        double[] gold = new double[confusion.length];
        for (int c = 0; c < confusion.length; c++) {
            chosen[c] = confusion[row][c];
            gold[row] += confusion[row][c];
        }
        return bias(chosen, gold);
    }

    /**
     * The root of the mean squared difference of two distributions over the letters.
     *
     * @param chosen how often each was chosen; counts or shares
     * @param gold   how often each was right
     */
    public static double bias(double[] chosen, double[] gold) {
        double allChosen = Arrays.stream(chosen).sum();
        double allGold = Arrays.stream(gold).sum();
        double sum = 0;
        for (int i = 0; i < chosen.length; i++) {
            double difference = (allChosen == 0 ? 0 : chosen[i] / allChosen) - (allGold == 0 ? 0 : gold[i] / allGold);
            sum += difference * difference;
        }
        return Math.sqrt(sum / chosen.length);
    }
}
