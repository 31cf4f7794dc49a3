package org.finetune4j.methods.data.tool;

import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;

/** Which tokens of a call decide which tool is called, and how much more they weigh than the others (PKT). */
public final class KeyTokens {
    private KeyTokens() {
    }

    /**
     * The places within a call, from 0, of the tokens that decide: the first one of the tool's name, and for every
     * other tool whose name begins alike the first one that tells them apart; where the name is the beginning of
     * another one, that is the token behind it.
     *
     * @param begin  where the name begins within the call, at least 0
     * @param name   tokens of the called tool's name as they stand in the call
     * @param others tokens of the names of all other tools
     */
    public static <T> SortedSet<Integer> positions(int begin, List<T> name, List<List<T>> others) {
        SortedSet<Integer> positions = new TreeSet<>(Set.of(begin));
        for (List<T> other : others) {
            int common = 0;
            while (common < Math.min(name.size(), other.size()) && name.get(common).equals(other.get(common))) {
                common++;
            }
            if (common > 0) {
                positions.add(begin + common);
            }
        }
        return positions;
    }

    /**
     * The weights of a call's tokens: 1, and for those that decide the number of others for each of them, at least 1
     * and at most a cap.
     *
     * @param length    tokens of the call
     * @param positions places of those that decide; places behind the call do not count
     * @param uncounted places of tokens that count as neither (the published code leaves out the token before every
     *                  argument's end); empty for the paper's definition
     * @param cap       largest weight, finite and at least 1; the paper's is 9
     * @throws FinetuneException when the cap is out of range
     */
    public static double[] weights(int length, Set<Integer> positions, Set<Integer> uncounted, double cap) {
        if (!(cap >= 1 && Double.isFinite(cap))) {
            throw new FinetuneException("the largest weight of a key token is " + cap + ", but must be at least 1.");
        }
        long key = positions.stream().filter(position -> position < length).count();
        long others = length - key - uncounted.stream().filter(position -> position < length
                && !positions.contains(position)).count();
        double weight = key == 0 ? 1 : Math.min(cap, Math.max(1, (double) others / key));
        double[] weights = new double[length];
        for (int i = 0; i < length; i++) {
            weights[i] = positions.contains(i) ? weight : 1;
        }
        return weights;
    }
}
