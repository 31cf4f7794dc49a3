package org.finetune4j.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.tokenizer.Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A vector for every token of a text, in the light of the whole text: the last hidden states of an encoder. */
public final class TokenEncoder implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final EncoderModel encoder;
    private final int longest;

    private TokenEncoder(Tokenizer tokenizer, EncoderModel encoder, int longest) {
        this.tokenizer = tokenizer;
        this.encoder = encoder;
        this.longest = longest;
    }

    /**
     * The vectors of a text's tokens.
     *
     * @param vectors {@code [tokens, hidden]}
     * @param first   the first token of the text itself, behind those that the tokenizer begins texts with
     * @param end     behind its last one, where those begin that the tokenizer ends texts with
     */
    public record TokenVectors(float[][] vectors, int first, int end) {
    }

    /**
     * Loads a folder in the layout of sentence-transformers, or of an encoder alone.
     *
     * @throws FinetuneException when a file is missing or corrupt, or asks for a module that is not built
     */
    public static TokenEncoder load(Path folder, Precision precision, Kernels kernels) {
        EncoderModules modules = EncoderModules.read(folder);
        Tokenizer tokenizer = Tokenizer.load(modules.transformer());
        try {
            EncoderModel encoder = EncoderModel.load(modules.transformer(), EncoderModel.Pooling.NONE, false, precision, kernels);
            return new TokenEncoder(tokenizer, encoder, modules.longest(encoder));
        } catch (RuntimeException | Error failure) {
            tokenizer.close();
            throw failure;
        }
    }

    /** The vectors of texts, in order; of a text of more tokens than the model takes, those of its beginning; of none, none. */
    public List<TokenVectors> encode(List<String> texts) {
        List<TokenVectors> found = new ArrayList<>();
        int done = 0;
        while (done < texts.size()) {
            List<Text> pass = new ArrayList<>();
            int tokens = 0;
            while (done < texts.size() && (tokens == 0 || tokens < SentenceEncoder.TOKENS_PER_PASS)) {
                Text text = text(texts.get(done++));
                pass.add(text);
                tokens += text.ids().length;
            }
            List<int[]> ids = pass.stream().map(Text::ids).filter(text -> text.length > 0).toList();
            INDArray rows = ids.isEmpty() ? Nd4j.empty() : encoder.encode(ids);
            int row = 0;
            for (Text text : pass) {
                float[][] vectors = new float[text.ids().length][];
                for (int i = 0; i < vectors.length; i++) {
                    vectors[i] = rows.getRow(row++).toFloatVector();
                }
                found.add(new TokenVectors(vectors, text.first(), text.end()));
            }
        }
        return found;
    }

    private record Text(int[] ids, int first, int end) {
    }

    private Text text(String text) {
        int[] own = tokenizer.encode(text, false).ids();
        int[] all = tokenizer.encode(text, true).ids();
        int first = 0;
        while (first + own.length < all.length && !Arrays.equals(own, Arrays.copyOfRange(all, first, first + own.length))) {
            first++;
        }
        int[] ids = EncoderModules.cut(all, longest);
        int ending = all.length - first - own.length;
        return new Text(ids, first, Math.max(first, Math.min(first + own.length, ids.length - (ending > 0 ? 1 : 0))));
    }

    @Override
    public void close() {
        encoder.close();
        tokenizer.close();
    }
}
