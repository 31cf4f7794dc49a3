package org.finetune4j.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.tokenizer.Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A vector for every text, near for texts that mean the same (Sentence-BERT, arXiv 1908.10084): an encoder in the layout of
 * sentence-transformers, whose {@code modules.json} says how hidden states become a vector. A folder without one takes
 * the mean of all tokens and leaves its length.
 */
public final class SentenceEncoder implements AutoCloseable {
    /** Tokens of the texts that are encoded side by side, but for a text of more. */
    static final int TOKENS_PER_PASS = 8192;

    private final Tokenizer tokenizer;
    private final EncoderModel encoder;
    private final int longest;

    private SentenceEncoder(Tokenizer tokenizer, EncoderModel encoder, int longest) {
        this.tokenizer = tokenizer;
        this.encoder = encoder;
        this.longest = longest;
    }

    /**
     * Loads a folder.
     *
     * @throws FinetuneException when a file is missing or corrupt, or asks for a module or a pooling that is not built
     */
    public static SentenceEncoder load(Path folder, Precision precision, Kernels kernels) {
        EncoderModules modules = EncoderModules.read(folder);
        Tokenizer tokenizer = Tokenizer.load(modules.transformer());
        try {
            EncoderModel encoder = EncoderModel.load(modules.transformer(), modules.pooling(), modules.unitLength(), precision,
                    kernels);
            return new SentenceEncoder(tokenizer, encoder, modules.longest(encoder));
        } catch (RuntimeException | Error failure) {
            tokenizer.close();
            throw failure;
        }
    }

    /** Numbers of a vector. */
    public int width() {
        return encoder.config().hiddenSize();
    }

    /**
     * The vectors of texts. A text of more tokens than the model takes is cut, its last token being the one that the
     * tokenizer ends texts with.
     *
     * @return as many vectors of {@link #width()} numbers, in the same order
     */
    public List<float[]> encode(List<String> texts) {
        List<float[]> vectors = new ArrayList<>();
        List<int[]> pass = new ArrayList<>();
        int tokens = 0;
        for (String text : texts) {
            int[] ids = EncoderModules.cut(tokenizer.encode(text, true).ids(), longest);
            if (tokens + ids.length > TOKENS_PER_PASS) {
                encode(pass, vectors);
                pass.clear();
                tokens = 0;
            }
            pass.add(ids);
            tokens += ids.length;
        }
        encode(pass, vectors);
        return vectors;
    }

    /** Copies the vectors out, whose memory the next pass takes. */
    private void encode(List<int[]> pass, List<float[]> vectors) {
        if (!pass.isEmpty()) {
            INDArray rows = encoder.encode(pass);
            for (int i = 0; i < pass.size(); i++) {
                vectors.add(rows.getRow(i).toFloatVector());
            }
        }
    }

    /** Bytes of intermediate arrays as they are held now. */
    long arenaBytes() {
        return encoder.arenaBytes();
    }

    @Override
    public void close() {
        encoder.close();
        tokenizer.close();
    }
}
