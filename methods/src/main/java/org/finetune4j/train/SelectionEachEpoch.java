package org.finetune4j.train;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;

/** What a job's selectors choose at the start of each pass. Its state holds the choice, for the weights that made it are gone. */
final class SelectionEachEpoch implements EpochChoice {
    private final PolicyAsked policy;
    private final List<Sample> pool;
    private int epoch = -1;
    private List<Example> chosen = List.of();

    /**
     * A choice among these samples.
     *
     * @param pool what selectors before the training left
     */
    SelectionEachEpoch(PolicyAsked policy, List<Sample> pool) {
        this.policy = policy;
        this.pool = pool;
    }

    @Override
    public List<Example> examples(int pass) {
        if (pass != epoch) {
            EncodedSamples encoded = policy.encoder().encode(policy.select(policy.job().epochSelectors(), pool));
            if (encoded.examples().isEmpty()) {
                throw new FinetuneException("select: all that was chosen for pass " + (pass + 1) + " is longer than "
                        + policy.preparation().limit().tokens() + " tokens. Raise train.maxLength, or choose another tooLong.");
            }
            chosen = encoded.examples();
            epoch = pass;
        }
        return chosen;
    }

    @Override
    public String name() {
        return "select in each pass";
    }

    @Override
    public String save() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(new DeflaterOutputStream(bytes))) {
            out.writeInt(epoch);
            out.writeInt(chosen.size());
            for (Example example : chosen) {
                out.writeUTF(example.id());
                out.writeInt(example.ids().length);
                for (int i = 0; i < example.ids().length; i++) {
                    // The sign is free for the mark.
                    out.writeInt(example.supervised()[i] ? ~example.ids()[i] : example.ids()[i]);
                }
            }
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    @Override
    public void restore(String text) {
        List<Example> restored = new ArrayList<>();
        try (DataInputStream in = new DataInputStream(new InflaterInputStream(new ByteArrayInputStream(
                Base64.getDecoder().decode(text))))) {
            int pass = in.readInt();
            int count = in.readInt();
            for (int s = 0; s < count; s++) {
                String id = in.readUTF();
                int[] ids = new int[in.readInt()];
                boolean[] supervised = new boolean[ids.length];
                for (int i = 0; i < ids.length; i++) {
                    int token = in.readInt();
                    supervised[i] = token < 0;
                    ids[i] = supervised[i] ? ~token : token;
                }
                restored.add(new Example(id, ids, supervised));
            }
            epoch = pass;
            chosen = List.copyOf(restored);
        } catch (IOException | IllegalArgumentException | NegativeArraySizeException e) {
            throw new FinetuneException("the state of '" + name() + "' is damaged: " + e + ". Choose another run folder.", e);
        }
    }
}
