package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Encoders and sentence vectors against numbers that PyTorch computed from the same files (make_families.py). */
class EncoderAgreementTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bert", "bert-prefixed", "roberta"})
    void hiddenStatesAndMeansAgree(String name) {
        check(name, new OneDnnKernels(), Precision.F32, 1e-4);
        check(name, new Nd4jKernels(), Precision.F64, 1e-9);
    }

    private static void check(String name, Kernels kernels, Precision precision, double absolute) {
        FamilyFixture fixture = FamilyFixture.read(name);
        try (kernels) {
            double hidden = difference(fixture, fixture.tensor("hidden"), EncoderModel.Pooling.NONE, precision, kernels);
            double means = difference(fixture, fixture.tensor("means"), EncoderModel.Pooling.MEAN, precision, kernels);
            System.out.printf(Locale.ROOT, "| %s | %s %s | %.1e | %.1e |%n", name, kernels.name(), precision, hidden, means);
            assertTrue(hidden <= absolute, "hidden states differ by " + hidden);
            assertTrue(means <= absolute, "means differ by " + means);
        }
    }

    private static double difference(FamilyFixture fixture, double[] expected, EncoderModel.Pooling pooling,
                                     Precision precision, Kernels kernels) {
        try (EncoderModel model = EncoderModel.load(fixture.folder(), pooling, false, precision, kernels)) {
            double[] actual = model.encode(fixture.sequences()).dup().reshape(-1).toDoubleVector();
            assertEquals(expected.length, actual.length);
            return IntStream.range(0, expected.length).mapToDouble(i -> Math.abs(expected[i] - actual[i])).max().orElseThrow();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "bert-prefixed"})
    void normsMayHaveTheNamesOfBertsFirstYears(String name) throws IOException {
        FamilyFixture fixture = FamilyFixture.read(name);
        Files.copy(fixture.folder().resolve("config.json"), folder.resolve("config.json"));
        String own = Files.readString(fixture.folder().resolve("model.safetensors"), StandardCharsets.ISO_8859_1);
        // The spaces keep the header's length.
        String former = own.replace(".LayerNorm.weight\"", ".LayerNorm.gamma\" ").replace(".LayerNorm.bias\"", ".LayerNorm.beta\"");
        assertNotEquals(own, former);
        Files.writeString(folder.resolve("model.safetensors"), former, StandardCharsets.ISO_8859_1);
        try (Kernels kernels = new Nd4jKernels()) {
            assertTrue(difference(new FamilyFixture(folder, fixture.reference()), fixture.tensor("hidden"),
                    EncoderModel.Pooling.NONE, Precision.F64, kernels) <= 1e-9);
        }
    }

    @Test
    void theFirstTokensRowIsTheFirstOfItsText() {
        FamilyFixture fixture = FamilyFixture.read("bert");
        int[] second = fixture.sequences().get(1);
        try (Kernels kernels = new OneDnnKernels();
                EncoderModel all = EncoderModel.load(fixture.folder(), EncoderModel.Pooling.NONE, false, Precision.F32, kernels);
                EncoderModel first = EncoderModel.load(fixture.folder(), EncoderModel.Pooling.FIRST, true, Precision.F32,
                        kernels)) {
            INDArray alone = all.encode(List.of(second)).getRow(0).dup();
            INDArray chosen = first.encode(fixture.sequences()).getRow(1).dup();
            assertEquals(0, alone.div(alone.norm2Number()).sub(chosen).amaxNumber().doubleValue(), 1e-5);
            assertTrue(assertThrows(FinetuneException.class, () -> first.encode(List.of(new int[65]))).getMessage()
                    .contains("text 0 has 65 tokens, but the model takes from 1 to 64"));
            assertTrue(assertThrows(FinetuneException.class, () -> first.encode(List.of(second, new int[0]))).getMessage()
                    .contains("text 1 has 0 tokens"));
        }
    }

    @Test
    void sentenceVectorsAgreeAlsoWhereATextIsCut() {
        FamilyFixture fixture = FamilyFixture.read("minilm");
        List<String> texts = new ArrayList<>();
        fixture.reference().get("texts").forEach(text -> texts.add(text.asText()));
        try (Kernels kernels = new OneDnnKernels();
                SentenceEncoder encoder = SentenceEncoder.load(fixture.folder(), Precision.F32, kernels)) {
            List<float[]> vectors = encoder.encode(texts);
            assertEquals(texts.size(), vectors.size());
            for (int i = 0; i < texts.size(); i++) {
                JsonNode expected = fixture.reference().get("vectors").get(i);
                assertEquals(encoder.width(), vectors.get(i).length);
                for (int j = 0; j < encoder.width(); j++) {
                    assertEquals(expected.get(j).doubleValue(), vectors.get(i)[j], 1e-5, texts.get(i));
                }
            }
            assertEquals(List.of(), encoder.encode(List.of()));
        }
    }

    /** Their mean is the sentence's vector, which PyTorch computed. */
    @Test
    void vectorsOfTokensAgreeAndTellAddedTokens() {
        FamilyFixture fixture = FamilyFixture.read("minilm");
        List<String> texts = new ArrayList<>();
        fixture.reference().get("texts").forEach(text -> texts.add(text.asText()));
        try (Kernels kernels = new OneDnnKernels();
                TokenEncoder encoder = TokenEncoder.load(fixture.folder(), Precision.F32, kernels)) {
            List<TokenEncoder.TokenVectors> found = encoder.encode(texts);
            assertEquals(texts.size(), found.size());
            for (int i = 0; i < texts.size(); i++) {
                TokenEncoder.TokenVectors tokens = found.get(i);
                assertEquals(1, tokens.first(), "[CLS] stands before " + texts.get(i));
                assertEquals(tokens.vectors().length - 1, tokens.end(), "[SEP] stands behind " + texts.get(i));
                JsonNode expected = fixture.reference().get("vectors").get(i);
                double[] mean = new double[expected.size()];
                for (float[] vector : tokens.vectors()) {
                    for (int j = 0; j < mean.length; j++) {
                        mean[j] += vector[j];
                    }
                }
                double length = Math.sqrt(Arrays.stream(mean).map(x -> x * x).sum());
                for (int j = 0; j < mean.length; j++) {
                    assertEquals(expected.get(j).doubleValue(), mean[j] / length, 1e-5, texts.get(i));
                }
            }
            List<TokenEncoder.TokenVectors> many = encoder.encode(Collections.nCopies(3000, texts.get(0)));
            assertEquals(3000, many.size());
            for (int j = 0; j < many.get(2999).vectors().length; j++) {
                assertArrayEquals(found.get(0).vectors()[j], many.get(2999).vectors()[j], 1e-5f);
            }
            assertEquals(List.of(), encoder.encode(List.of()));
        }
    }

    @Test
    void manyTextsTakeNoMoreMemoryThanSome() {
        Path minilm = FamilyFixture.ALL.resolve("minilm");
        try (Kernels kernels = new OneDnnKernels();
                SentenceEncoder encoder = SentenceEncoder.load(minilm, Precision.F32, kernels)) {
            String text = "the quick brown fox";
            List<float[]> some = encoder.encode(Collections.nCopies(2000, text));
            long bytes = encoder.arenaBytes();
            List<String> texts = new ArrayList<>(Collections.nCopies(5000, text));
            texts.set(4500, "another one");
            List<float[]> many = encoder.encode(texts);
            assertEquals(5000, many.size());
            assertEquals(bytes, encoder.arenaBytes());
            assertArrayEquals(some.get(0), many.get(4499), 1e-5f);
            assertArrayEquals(encoder.encode(List.of("another one")).get(0), many.get(4500), 1e-5f);
        }
    }

    @Test
    void aFolderMayBeTheCurrentOne() {
        assertEquals(Path.of("1_Pooling").toAbsolutePath(), EncoderModules.inside(Path.of("."), "1_Pooling"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "modules.json | [{\"path\": \"\", \"type\": \"sentence_transformers.models.Dense\"}] | models.Dense' is not built",
        "modules.json | [{\"path\": \"../x\", \"type\": \"sentence_transformers.models.Transformer\"}] | leads out of the folder",
        "modules.json | {} | it must hold a short list of modules",
        "1_Pooling/config.json | {\"pooling_mode_max_tokens\": true} | the pooling [pooling_mode_max_tokens] is not built",
        "1_Pooling/config.json | {} | the pooling [] is not built",
        "sentence_bert_config.json | {\"max_seq_length\": \"all\"} | max_seq_length is \"all\""})
    void whatIsNotBuiltIsRefusedByName(String file, String content, String words) throws IOException {
        try (Stream<Path> files = Files.walk(FamilyFixture.ALL.resolve("minilm"))) {
            for (Path source : files.toList()) {
                Path target = folder.resolve(FamilyFixture.ALL.resolve("minilm").relativize(source).toString());
                if (Files.isDirectory(source)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(source, target);
                }
            }
        }
        Files.writeString(folder.resolve(file), content);
        try (Kernels kernels = new Nd4jKernels()) {
            String message = assertThrows(FinetuneException.class,
                    () -> SentenceEncoder.load(folder, Precision.F32, kernels)).getMessage();
            assertTrue(message.contains(words), message);
        }
    }

    @Test
    void encodersAndDecodersAreNotTakenForEachOther() {
        try (Kernels kernels = new Nd4jKernels()) {
            assertTrue(assertThrows(FinetuneException.class, () -> LanguageModel.load(FamilyFixture.ALL.resolve("bert"),
                    Precision.F32, kernels)).getMessage().contains("a model of type bert is an encoder"));
            assertTrue(assertThrows(FinetuneException.class, () -> EncoderModel.load(FamilyFixture.ALL.resolve("gpt2"),
                    EncoderModel.Pooling.MEAN, false, Precision.F32, kernels)).getMessage()
                    .contains("a model of type gpt2 is no encoder"));
        }
    }
}
