package org.finetune4j.methods.select;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import org.finetune4j.FinetuneException;
import org.finetune4j.train.RunState;

/** The sketches of the samples that were learned last, the oldest of which go when there are too many. */
final class RecentSketches implements RunState {
    private final int capacity;
    private final int length;
    private final Deque<float[]> sketches = new ArrayDeque<>();

    /** An empty buffer of so many sketches of so many numbers. */
    RecentSketches(int capacity, int length) {
        this.capacity = capacity;
        this.length = length;
    }

    /** The mean Euclidean distance to all that are kept, 0 where there are none. */
    double meanDistance(float[] sketch) {
        double sum = 0;
        for (float[] kept : sketches) {
            double squares = 0;
            for (int i = 0; i < length; i++) {
                double difference = (double) sketch[i] - kept[i];
                squares += difference * difference;
            }
            sum += Math.sqrt(squares);
        }
        return sketches.isEmpty() ? 0 : sum / sketches.size();
    }

    /** Keeps one more. */
    void push(float[] sketch) {
        if (sketches.size() == capacity) {
            sketches.removeFirst();
        }
        sketches.addLast(sketch);
    }

    int size() {
        return sketches.size();
    }

    @Override
    public String name() {
        return "uds";
    }

    @Override
    public String save() {
        ByteBuffer bytes = ByteBuffer.allocate(sketches.size() * length * Float.BYTES);
        for (float[] sketch : sketches) {
            for (float number : sketch) {
                bytes.putFloat(number);
            }
        }
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    @Override
    public void restore(String text) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw notOurs(e.getMessage());
        }
        int size = length * Float.BYTES;
        if (bytes.length % size != 0 || bytes.length / size > capacity) {
            throw notOurs(bytes.length + " bytes are not up to " + capacity + " sketches of " + length + " numbers");
        }
        sketches.clear();
        ByteBuffer numbers = ByteBuffer.wrap(bytes);
        while (numbers.hasRemaining()) {
            float[] sketch = new float[length];
            for (int i = 0; i < length; i++) {
                sketch[i] = numbers.getFloat();
            }
            sketches.addLast(sketch);
        }
    }

    private static FinetuneException notOurs(String why) {
        return new FinetuneException("what the checkpoint remembers for uds cannot be read: " + why
                + ". Continue with the settings and the version of finetune4j that wrote it.");
    }
}
