package org.finetune4j.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.finetune4j.checkpoint.Hashes;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a model folder in the Hugging Face layout.
 *
 * <p>It reads {@code tokenizer.json} and, where they are, {@code tokenizer_config.json}, {@code
 * special_tokens_map.json}, {@code added_tokens.json}, {@code chat_template.jinja} and the folder {@code
 * additional_chat_templates}. Nothing is downloaded. An object may be used by several threads.
 */
public final class Tokenizer implements AutoCloseable {
    /** The file of the vocabulary. */
    public static final String FILE_NAME = "tokenizer.json";

    /** The file of special tokens and chat template. */
    public static final String CONFIGURATION_NAME = "tokenizer_config.json";

    private final Path folder;
    private final NativeTokenizer library;
    private final TokenizerFile file;
    private final int vocabularySize;
    private final TokenizerConfiguration configuration;

    private Tokenizer(Path folder, NativeTokenizer library, TokenizerFile file, TokenizerConfiguration configuration) {
        this.folder = folder;
        this.library = library;
        this.file = file;
        this.vocabularySize = file.vocabulary().ids().values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        this.configuration = configuration;
    }

    /**
     * Loads the tokenizer of a model.
     *
     * @param folder a folder with {@code tokenizer.json}, or {@code vocab.json} and {@code merges.txt} of GPT-2 or
     *     RoBERTa
     * @throws TokenizerException if it is missing, damaged, or names a special token that its vocabulary lacks
     */
    public static Tokenizer load(Path folder) {
        TokenizerConfiguration configuration = TokenizerConfiguration.read(folder);
        TokenizerFile file = TokenizerFile.read(folder, configuration);
        for (String name : List.of("bos_token", "eos_token", "pad_token")) {
            String token = configuration.specialTokens().get(name);
            if (token != null && !file.vocabulary().ids().containsKey(token)) {
                throw new TokenizerException(folder.resolve(CONFIGURATION_NAME) + ": the special token '" + token
                    + "' is not in the vocabulary of " + FILE_NAME + ". Take both files from the same model.");
            }
        }
        Tokenizer tokenizer = new Tokenizer(folder, NativeTokenizer.load(file.json(), file.file()), file, configuration);
        try {
            tokenizer.checkSuppliedTokens();
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
        return tokenizer;
    }

    /** The library numbers added tokens itself where a file leaves a gap, and then knows them by other ids than we. */
    private void checkSuppliedTokens() {
        for (TokenizerConfiguration.AddedToken token : file.supplied()) {
            int[] ids = encode(token.content(), false).ids();
            if (Arrays.stream(ids).noneMatch(id -> id == token.id())) {
                throw new TokenizerException(file.file() + ": the added token '" + token.content() + "' has id " + token.id()
                    + ", but is read as " + Arrays.toString(ids) + ". Ids of added tokens must follow those of the"
                    + " vocabulary without a gap; save the tokenizer once with transformers' save_pretrained.");
            }
        }
    }

    /**
     * Tokenizes a text.
     *
     * @param text any text without half surrogate pairs
     * @param addSpecialTokens whether the tokenizer's own rule may put tokens around the text (such as a token for its
     *     beginning, which is never put twice); a rendered chat template brings its own, so there it must be false
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
        TokenizedText tokens = new TokenizedText(toInts(encoding.getIds()), toUtf16(text, encoding.getCharTokenSpans()));
        return addSpecialTokens ? withBeginAndEnd(tokens) : tokens;
    }

    /** What {@code add_bos_token} and {@code add_eos_token} say comes before the rule in {@code tokenizer.json}. */
    private TokenizedText withBeginAndEnd(TokenizedText tokens) {
        TokenizedText result = tokens;
        int[] ids = tokens.ids();
        int begin = beginTokenId().orElse(-1);
        Boolean addsBegin = configuration.addsBegin();
        if (addsBegin != null && begin >= 0) {
            boolean begun = ids.length > 0 && ids[0] == begin;
            boolean twice = ids.length > 1 && begun && ids[1] == begin;
            if (addsBegin && !begun) {
                result = result.with(0, begin);
            } else if (begun && tokens.spans()[0][0] < 0 && (!addsBegin || twice)) {
                result = result.without(0);
            }
        } else if (ids.length > 1 && begin >= 0 && ids[0] == begin && ids[1] == begin && tokens.spans()[0][0] < 0) {
            result = result.without(0);
        }
        int end = endTokenId().orElse(-1);
        Boolean addsEnd = configuration.addsEnd();
        int last = result.length() - 1;
        boolean ended = last >= 0 && result.ids()[last] == end;
        if (addsEnd != null && end >= 0 && addsEnd != ended) {
            result = addsEnd ? result.with(last + 1, end)
                : result.spans()[last][0] < 0 ? result.without(last) : result;
        }
        return result;
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

    /**
     * Returns how many tokens a model may read and generate. Added tokens may lie beyond its rows, as Gemma 3's for images
     * does in its models of text alone; then no text may hold them.
     *
     * @param rows of the model's embedding
     * @throws TokenizerException if a token of the trained vocabulary has no row
     */
    public int tokensWithin(int rows) {
        boolean text = file.vocabulary().ids().values().stream().anyMatch(id -> id >= rows && !isAddedToken(id));
        if (text) {
            throw new TokenizerException(folder + ": the tokenizer has " + vocabularySize + " tokens, but the model's"
                + " embedding only " + rows + " rows. Take " + FILE_NAME + " and config.json of the same model.");
        }
        return Math.min(vocabularySize, rows);
    }

    /** Returns the id of a token by its spelling in the vocabulary, or nothing where there is none. */
    public OptionalInt idOf(String token) {
        Integer id = file.vocabulary().ids().get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * Returns a token, by its spelling, that has another id in another tokenizer or is in one of them alone; null where the
     * vocabularies are the same.
     */
    public @Nullable String differingToken(Tokenizer other) {
        Map<String, Integer> own = file.vocabulary().ids();
        Map<String, Integer> others = other.file.vocabulary().ids();
        return Stream.concat(own.keySet().stream(), others.keySet().stream())
            .filter(token -> !java.util.Objects.equals(own.get(token), others.get(token))).sorted().findFirst().orElse(null);
    }

    /**
     * Returns the bytes that each token adds to a text, by its id; null for ids that no token has and for added tokens,
     * which mark something instead of being text.
     *
     * @throws TokenizerException if the tokenizer's decoder does more than putting bytes one after another
     */
    public byte[] @Nullable [] tokenBytes() {
        return TokenBytes.of(file.vocabulary(), vocabularySize, folder.resolve(FILE_NAME));
    }

    /** Returns whether a token was added to the trained vocabulary, as the tokens that end a text or a turn are. */
    public boolean isAddedToken(int id) {
        return file.vocabulary().addedIds().contains(id);
    }

    /** Returns the texts of the special tokens by the names that templates know them by, such as {@code bos_token}. */
    public Map<String, String> specialTokens() {
        return Collections.unmodifiableMap(configuration.specialTokens());
    }

    /** Returns the text of the token for the beginning of a text, or null if the tokenizer names none. */
    public @Nullable String beginToken() {
        return configuration.specialTokens().get("bos_token");
    }

    /** Returns the text of the token for the end of a text, or null if the tokenizer names none. */
    public @Nullable String endToken() {
        return configuration.specialTokens().get("eos_token");
    }

    /** Returns the id of the token for the beginning of a text, or nothing where there is none. */
    public OptionalInt beginTokenId() {
        return idOfNullable(beginToken());
    }

    /** Returns the id of the token for the end of a text, or nothing where there is none. */
    public OptionalInt endTokenId() {
        return idOfNullable(endToken());
    }

    /** Returns the id of the token that fills a batch, or nothing where there is none; often it is the end token. */
    public OptionalInt paddingTokenId() {
        return idOfNullable(configuration.specialTokens().get("pad_token"));
    }

    private OptionalInt idOfNullable(@Nullable String token) {
        return token == null ? OptionalInt.empty() : idOf(token);
    }

    /**
     * Returns the model's own chat template; where the model brings one named {@code tool_use} besides, that one
     * renders conversations with tools.
     *
     * @throws ChatTemplateException if there is none, or it is not valid Jinja
     */
    public ChatTemplate chatTemplate() {
        if (!hasChatTemplate() && !configuration.templates().isEmpty()) {
            throw new ChatTemplateException(folder + ": the tokenizer has the chat templates "
                + configuration.templates().keySet() + " and none named 'default'. Choose one by its name.");
        }
        if (!hasChatTemplate()) {
            throw new ChatTemplateException(folder + ": the tokenizer has no chat template. Use a model that is made for"
                + " chat, or choose a template explicitly, such as ChatTemplate.chatMl().");
        }
        ChatTemplate template = chatTemplate(TokenizerConfiguration.DEFAULT);
        return configuration.templates().containsKey(TokenizerConfiguration.TOOL_USE)
            ? template.withToolUse(chatTemplate(TokenizerConfiguration.TOOL_USE)) : template;
    }

    /**
     * Returns one of the model's own chat templates by its name.
     *
     * @throws ChatTemplateException if there is none of that name, or it is not valid Jinja
     */
    public ChatTemplate chatTemplate(String name) {
        TokenizerConfiguration.NamedTemplate template = configuration.templates().get(name);
        if (template == null) {
            throw new ChatTemplateException(folder + ": the tokenizer has no chat template named '" + name
                + "'. Choose one of " + configuration.templates().keySet() + ".");
        }
        return ChatTemplate.of(template.source(), template.file().toString(), specialTokens());
    }

    /** Returns the Jinja source of the model's own chat template, or null if there is none. */
    public @Nullable String chatTemplateSource() {
        TokenizerConfiguration.NamedTemplate template = configuration.templates().get(TokenizerConfiguration.DEFAULT);
        return template == null ? null : template.source();
    }

    /** Returns the content of tokenizer.json with what other files add to it, as this tokenizer uses it. */
    public String json() {
        return new String(file.json(), StandardCharsets.UTF_8);
    }

    /** Returns whether the model brings its own chat template. */
    public boolean hasChatTemplate() {
        return configuration.templates().containsKey(TokenizerConfiguration.DEFAULT);
    }

    /** Returns the folder that the tokenizer was loaded from. */
    Path folder() {
        return folder;
    }

    /**
     * Returns a hash of everything that changes the tokens of a text, for the keys of caches: the vocabulary with its
     * rules, and which tokens begin and end a text. Of a conversation the template changes the tokens too.
     *
     * @return 64 hexadecimal digits of SHA-256
     */
    public String contentHash() {
        return Hashes.of(Hashes.of(file.json()) + "\u0000" + beginToken() + "\u0000" + endToken() + "\u0000"
            + configuration.addsBegin() + "\u0000" + configuration.addsEnd());
    }

    /**
     * Returns a hash of everything that changes the tokens of a conversation, for the keys of caches: those of a text,
     * the template, the special tokens and the date that it may show. The template is neither read as Jinja nor rendered,
     * so that one which no sample needs may be wrong.
     *
     * @param chatTemplate a Jinja source, or null for the model's own, of which there may be none
     * @return 64 hexadecimal digits of SHA-256
     */
    public String conversationHash(@Nullable String chatTemplate) {
        List<String> sources = chatTemplate != null ? List.of(chatTemplate)
            : Stream.of(TokenizerConfiguration.DEFAULT, TokenizerConfiguration.TOOL_USE).map(configuration.templates()::get)
                .map(template -> template == null ? "" : template.source()).toList();
        return Hashes.of(contentHash() + "\u0000" + sources.stream().map(Hashes::of).toList() + "\u0000" + specialTokens()
            + "\u0000" + ChatTemplate.DATE);
    }

    /** Returns the tokenizer's files, which belong into every folder that the model is saved to. */
    public List<Path> files() {
        return Stream.of(FILE_NAME, CONFIGURATION_NAME, TokenizerConfiguration.SPECIAL_TOKENS_NAME,
            TokenizerConfiguration.ADDED_TOKENS_NAME, TokenizerFile.VOCABULARY_NAME, TokenizerFile.MERGES_NAME,
            TokenizerConfiguration.TEMPLATE_NAME).map(folder::resolve).filter(Files::isRegularFile).toList();
    }

    /** Frees the native tokenizer. */
    @Override
    public void close() {
        library.close();
    }
}
