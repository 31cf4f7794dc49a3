package org.finetune4j.kernel;

import java.util.Arrays;

/** The largest of many numbers, found without sorting the others. */
public final class Largest {
    private Largest() {
    }

    /**
     * So many of the largest numbers, ascending; where they are all, these as they are.
     *
     * @param count from 1 to the number of numbers
     */
    public static double[] of(double[] numbers, int count) {
        if (count == numbers.length) {
            return numbers;
        }
        double[] parted = numbers.clone();
        int wanted = parted.length - count;
        int from = 0;
        int to = parted.length - 1;
        while (from < to) {
            // Hoare's selection: what is right of the place is no smaller than what is left of it.
            double pivot = parted[(from + to) >>> 1];
            int left = from;
            int right = to;
            while (left <= right) {
                while (Double.compare(parted[left], pivot) < 0) {
                    left++;
                }
                while (Double.compare(parted[right], pivot) > 0) {
                    right--;
                }
                if (left <= right) {
                    double kept = parted[left];
                    parted[left++] = parted[right];
                    parted[right--] = kept;
                }
            }
            if (wanted <= right) {
                to = right;
            } else if (wanted >= left) {
                from = left;
            } else {
                break;
            }
        }
        double[] largest = Arrays.copyOfRange(parted, wanted, parted.length);
        Arrays.sort(largest);
        return largest;
    }
}
