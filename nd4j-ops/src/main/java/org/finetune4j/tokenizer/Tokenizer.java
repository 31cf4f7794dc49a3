package org.finetune4j.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a model folder in the Hugging Face layout.
 *
 * <p>It reads {@code tokenizer.json} and, where they are, {@code tokenizer_config.json}, {@code special_tokens_map.json}
 * and {@code chat_template.jinja}. Nothing is downloaded. An object may be used by several threads.
 */
public final class Tokenizer implements AutoCloseable {
    /** The file of the vocabulary. */
    public static final String FILE_NAME = "tokenizer.json";

    /** The file of special tokens and chat template. */
    public static final String CONFIGURATION_NAME = "tokenizer_config.json";

    private static final long MAXIMUM_BYTES = 500_000_000;

    private final Path folder;
    private final NativeTokenizer library;
    private final VocabularyReader.Vocabulary vocabulary;
    private final int vocabularySize;
    private final TokenizerConfiguration configuration;

    private Tokenizer(Path folder, NativeTokenizer library, VocabularyReader.Vocabulary vocabulary,
            TokenizerConfiguration configuration) {
        this.folder = folder;
        this.library = library;
        this.vocabulary = vocabulary;
        this.vocabularySize = vocabulary.ids().values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        this.configuration = configuration;
    }

    /**
     * Loads the tokenizer of a model.
     *
     * @param folder a folder with {@code tokenizer.json}
     * @throws TokenizerException if it is missing, damaged, or names a special token that its vocabulary lacks
     */
    public static Tokenizer load(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        byte[] json = readBytes(file);
        TokenizerConfiguration configuration = TokenizerConfiguration.read(folder);
        VocabularyReader.Vocabulary vocabulary = VocabularyReader.read(json, file);
        for (String token : Arrays.asList(configuration.beginToken(), configuration.endToken(),
                configuration.paddingToken())) {
            if (token != null && !vocabulary.ids().containsKey(token)) {
                throw new TokenizerException(folder.resolve(CONFIGURATION_NAME) + ": the special token '" + token
                    + "' is not in the vocabulary of " + FILE_NAME + ". Take both files from the same model.");
            }
        }
        return new Tokenizer(folder, NativeTokenizer.load(json, file), vocabulary, configuration);
    }

    private static byte[] readBytes(Path file) {
        try {
            if (!Files.exists(file)) {
                boolean sentencePiece = Files.exists(file.resolveSibling("tokenizer.model"));
                throw new TokenizerException(file + ": there is no such file. " + (sentencePiece
                    ? "Only tokenizer.model is there: convert it once with transformers' save_pretrained."
                    : "Give a model folder in the Hugging Face layout."));
            }
            if (Files.size(file) > MAXIMUM_BYTES) {
                throw new TokenizerException(file + ": it has " + Files.size(file) + " bytes, at most " + MAXIMUM_BYTES
                    + " are expected. Check that this is the right file.");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new TokenizerException(file + ": it cannot be read (" + e.getMessage()
                + "). Check its permissions.", e);
        }
    }

    /**
     * Tokenizes a text.
     *
     * @param text any text without half surrogate pairs
     * @param addSpecialTokens whether the tokenizer's own rule may put tokens around the text (such as a token for its
     *     beginning); a rendered chat template brings its own, so there it must be false
     * @return the tokens with the text range of each
     * @throws TokenizerException if the text holds half a surrogate pair, which no UTF-8 can express
     */
    public TokenizedText encode(String text, boolean addSpecialTokens) {
        // The native library would put three replacement characters for it, and every range after it would be wrong.
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new TokenizerException("the text holds half a surrogate pair, which is not a character: \""
                + text.codePoints().limit(40).collect(StringBuilder::new, StringBuilder::appendCodePoint,
                    StringBuilder::append) + "...\". Repair the text's encoding.");
        }
        Encoding encoding = library.encode(text, addSpecialTokens);
        return new TokenizedText(toInts(encoding.getIds()), toUtf16(text, encoding.getCharTokenSpans()));
    }

    private static int[] toInts(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }

    /** The library counts characters (code points), Java counts UTF-16 units. */
    private static int[][] toUtf16(String text, @Nullable CharSpan[] spans) {
        int[] unitOf = new int[text.length() + 1];
        int points = 0;
        for (int unit = 0; unit < text.length(); unit += Character.charCount(text.codePointAt(unit))) {
            unitOf[points++] = unit;
        }
        unitOf[points] = text.length();
        int[][] ranges = new int[spans.length][];
        for (int i = 0; i < spans.length; i++) {
            CharSpan span = spans[i];
            ranges[i] = span == null ? new int[] {-1, -1} : new int[] {unitOf[span.getStart()], unitOf[span.getEnd()]};
        }
        return ranges;
    }

    /**
     * Turns tokens back into text.
     *
     * @param tokens ids from 0 to the vocabulary size (exclusive)
     * @param skipSpecialTokens whether special tokens are left out
     * @return the text; bytes that are not UTF-8 become U+FFFD
     * @throws TokenizerException if an id is not in the vocabulary
     */
    public String decode(int[] tokens, boolean skipSpecialTokens) {
        for (int token : tokens) {
            if (token < 0 || token >= vocabularySize) {
                throw new TokenizerException("token id " + token + " is outside the vocabulary of " + vocabularySize
                    + " tokens. Check that the tokenizer belongs to the model.");
            }
        }
        return library.decode(Arrays.stream(tokens).asLongStream().toArray(), skipSpecialTokens);
    }

    /** Returns a decoder for tokens that arrive one by one. */
    public StreamingDecoder streamingDecoder(boolean skipSpecialTokens) {
        return new StreamingDecoder(tokens -> decode(tokens, skipSpecialTokens));
    }

    /** Returns the highest token id plus one: the rows that an embedding needs at least. */
    public int vocabularySize() {
        return vocabularySize;
    }

    /** Returns the id of a token by its spelling in the vocabulary, or nothing where there is none. */
    public OptionalInt idOf(String token) {
        Integer id = vocabulary.ids().get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * Returns the bytes that each token adds to a text, by its id; null for ids that no token has and for added tokens,
     * which mark something instead of being text.
     *
     * @throws TokenizerException if the tokenizer's decoder does more than putting bytes one after another
     */
    public byte[] @Nullable [] tokenBytes() {
        return TokenBytes.of(vocabulary, vocabularySize, folder.resolve(FILE_NAME));
    }

    /** Returns whether a token was added to the trained vocabulary, as the tokens that end a text or a turn are. */
    public boolean isAddedToken(int id) {
        return vocabulary.addedIds().contains(id);
    }

    /** Returns the text of the token for the beginning of a text, or null if the tokenizer names none. */
    public @Nullable String beginToken() {
        return configuration.beginToken();
    }

    /** Returns the text of the token for the end of a text, or null if the tokenizer names none. */
    public @Nullable String endToken() {
        return configuration.endToken();
    }

    /** Returns the id of the token for the beginning of a text, or nothing where there is none. */
    public OptionalInt beginTokenId() {
        return idOfNullable(configuration.beginToken());
    }

    /** Returns the id of the token for the end of a text, or nothing where there is none. */
    public OptionalInt endTokenId() {
        return idOfNullable(configuration.endToken());
    }

    /** Returns the id of the token that fills a batch, or nothing where there is none; often it is the end token. */
    public OptionalInt paddingTokenId() {
        return idOfNullable(configuration.paddingToken());
    }

    private OptionalInt idOfNullable(@Nullable String token) {
        return token == null ? OptionalInt.empty() : idOf(token);
    }

    /**
     * Returns the model's own chat template.
     *
     * @throws ChatTemplateException if there is none, or it is not valid Jinja
     */
    public ChatTemplate chatTemplate() {
        String source = configuration.chatTemplate();
        if (source == null) {
            throw new ChatTemplateException(folder + ": the tokenizer has no chat template. Use a model that is made for"
                + " chat, or choose a template explicitly, such as ChatTemplate.chatMl().");
        }
        return ChatTemplate.of(source, configuration.templateFile().toString(), specialTokens());
    }

    /** Returns the texts of the special tokens by the names that templates know them by, such as {@code bos_token}. */
    public Map<String, String> specialTokens() {
        Map<String, String> tokens = new LinkedHashMap<>();
        putIfThere(tokens, "bos_token", configuration.beginToken());
        putIfThere(tokens, "eos_token", configuration.endToken());
        putIfThere(tokens, "pad_token", configuration.paddingToken());
        return tokens;
    }

    private static void putIfThere(Map<String, String> tokens, String name, @Nullable String token) {
        if (token != null) {
            tokens.put(name, token);
        }
    }

    /** Returns the Jinja source of the model's own chat template, or null if there is none. */
    public @Nullable String chatTemplateSource() {
        return configuration.chatTemplate();
    }

    /** Returns whether the model brings its own chat template. */
    public boolean hasChatTemplate() {
        return configuration.chatTemplate() != null;
    }

    /** Returns the tokenizer's files, which belong into every folder that the model is saved to. */
    public List<Path> files() {
        return Stream.of(FILE_NAME, CONFIGURATION_NAME, TokenizerConfiguration.SPECIAL_TOKENS_NAME,
            TokenizerConfiguration.TEMPLATE_NAME).map(folder::resolve).filter(Files::isRegularFile).toList();
    }

    /** Frees the native tokenizer. */
    @Override
    public void close() {
        library.close();
    }
}
