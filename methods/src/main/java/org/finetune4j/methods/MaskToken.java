package org.finetune4j.methods;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.tokenizer.Tokenizer;

/** The token that stands for masked ones. */
public final class MaskToken {
    private MaskToken() {
    }

    /**
     * Its id.
     *
     * @param method  named in messages
     * @param wanted  the token's text, or empty for the first added one with {@code mask} or {@code reserved} in its name
     * @param stopIds tokens that end a turn
     * @throws FinetuneException when there is no such added token, or texts begin, end or are padded with it
     */
    public static int of(String method, String wanted, Tokenizer tokenizer, Set<Integer> stopIds) {
        Set<Integer> used = new HashSet<>(stopIds);
        tokenizer.beginTokenId().ifPresent(used::add);
        tokenizer.endTokenId().ifPresent(used::add);
        tokenizer.paddingTokenId().ifPresent(used::add);
        if (!wanted.isEmpty()) {
            int id = tokenizer.idOf(wanted).orElse(-1);
            if (id < 0 || !tokenizer.isAddedToken(id) || used.contains(id)) {
                throw new FinetuneException(method + ": maskToken '" + wanted + "' must be an added token of the tokenizer that "
                        + "neither begins, ends nor pads texts" + (id < 0 ? ", but there is none of that name"
                        : used.contains(id) ? ", but it does" : ", but it is an ordinary one") + ". Name a reserved one.");
            }
            return id;
        }
        return IntStream.range(0, tokenizer.vocabularySize()).filter(tokenizer::isAddedToken)
                .filter(id -> !used.contains(id)).filter(id -> {
                    String name = tokenizer.decode(new int[] {id}, false).toLowerCase(Locale.ROOT);
                    return name.contains("mask") || name.contains("reserved");
                }).findFirst().orElseThrow(() -> new FinetuneException(method + ": the tokenizer has no added token with "
                        + "'mask' or 'reserved' in its name. Name an added token that nothing else uses as maskToken, or give "
                        + "the base one: savedModel(base).saveWithTokens(folder, \"<|mask|>\")."));
    }
}
