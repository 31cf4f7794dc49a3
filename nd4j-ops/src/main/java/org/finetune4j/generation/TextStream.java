package org.finetune4j.generation;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import org.finetune4j.tokenizer.Tokenizer;

/**
 * A text as it is generated, piece by piece: each one whole characters, of which no stop string can take any away. The
 * model runs when the next piece is asked for. Close it to end the text early, or after the last piece.
 */
public final class TextStream implements Iterator<String>, AutoCloseable {
    private final Deque<String> pieces = new ArrayDeque<>();
    private final TextAssembly assembly;
    private final GenerationRun run;
    private volatile boolean cancelled;
    private boolean open = true;

    TextStream(Tokenizer tokenizer, TextGenerator.Prompt prompt, Function<TokenListener, GenerationRun> start) {
        assembly = new TextAssembly(tokenizer, List.of(prompt), new TextListener() {
            @Override
            public boolean onText(int request, int sample, String piece) {
                pieces.add(piece);
                return true;
            }

            @Override
            public boolean cancelled() {
                return cancelled;
            }
        });
        run = start.apply(assembly);
    }

    @Override
    public boolean hasNext() {
        while (pieces.isEmpty() && run.goesOn()) {
            run.pass();
        }
        return !pieces.isEmpty();
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the text has ended");
        }
        return pieces.remove();
    }

    /** Ends the text before the next token; another thread may call it. */
    public void cancel() {
        cancelled = true;
    }

    /**
     * The whole text with the reason of its end.
     *
     * @throws IllegalStateException when it has not ended yet
     */
    public GeneratedText result() {
        List<GeneratedText> texts = assembly.results().get(0);
        if (texts.isEmpty()) {
            throw new IllegalStateException("the text has not ended yet: ask hasNext until it says no");
        }
        return texts.get(0);
    }

    /** Ends the text and lets go of what makes generation faster; a second time it does nothing. */
    @Override
    public void close() {
        cancel();
        while (run.goesOn()) {
            run.pass();
        }
        if (open) {
            open = false;
            run.close();
        }
    }
}
