package org.finetune4j.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * The one place that touches the native tokenizer library.
 *
 * <p>The library for the processor comes out of a jar, goes to {@code ~/.djl.ai} and is loaded from there. Left alone
 * it would also look for a GPU build to download and report its use; both are switched off here before it wakes.
 */
final class NativeTokenizer implements AutoCloseable {
    /** Text is handed over as it is: shortening and padding are for whoever makes batches. */
    private static final Map<String, String> OPTIONS = Map.of("addSpecialTokens", "false", "truncation", "false",
        "padding", "false", "modelMaxLength", String.valueOf(Integer.MAX_VALUE));

    static {
        setUnlessGiven("ai.djl.offline", "true");
        setUnlessGiven("OPT_OUT_TRACKING", "true");
        // Where it was unpacked to and which GPU it does not use are no news to anyone who fine-tunes a model.
        setUnlessGiven("org.slf4j.simpleLogger.log.ai.djl", "error");
    }

    private final HuggingFaceTokenizer tokenizer;

    private NativeTokenizer(HuggingFaceTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    private static void setUnlessGiven(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    static NativeTokenizer load(byte[] json, Path file) {
        Thread thread = Thread.currentThread();
        ClassLoader earlier = thread.getContextClassLoader();
        try {
            // The library looks for its native part through this loader, which in a script is not the one of this class.
            thread.setContextClassLoader(NativeTokenizer.class.getClassLoader());
            return new NativeTokenizer(HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS));
        } catch (EngineException | LinkageError e) {
            throw new TokenizerException("the native tokenizer library cannot be loaded (" + e.getMessage()
                + "). It is built for Linux (x86-64 and ARM), Windows (x86-64) and macOS (ARM), and needs a home or"
                + " temporary folder that can be written; DJL_CACHE_DIR names another one.", e);
        } catch (IOException | RuntimeException e) {
            throw new TokenizerException(file + ": the tokenizer library refuses it (" + e.getMessage()
                + "). Restore the file from where the model came from.", e);
        } finally {
            thread.setContextClassLoader(earlier);
        }
    }

    Encoding encode(String text, boolean addSpecialTokens) {
        return tokenizer.encode(text, addSpecialTokens, false);
    }

    String decode(long[] ids, boolean skipSpecialTokens) {
        return tokenizer.decode(ids, skipSpecialTokens);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
