package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.generation.GenerationSettings.EarlyStopping;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationConfigTest {
    private static GenerationConfig parse(String quoted) {
        return GenerationConfig.parse(quoted.replace('\'', '"'), Path.of("generation_config.json"));
    }

    @Test
    void whatPublishedFilesSayIsFollowed() {
        GenerationConfig chat =
                parse("{'bos_token_id': 151643, 'pad_token_id': 151643, 'do_sample': true, 'eos_token_id': [151645, "
                + "151643], 'repetition_penalty': 1.05, 'temperature': 0.7, 'top_p': 0.8, 'top_k': 20, 'transformers_version': '4.37'}");
        assertEquals(List.of(), chat.notes());
        assertEquals(GenerationSettings.builder().temperature(0.7).topP(0.8).topK(20).repetitionPenalty(1.05)
                .stopIds(Set.of(151645, 151643)).build(), chat.settings().build());
        assertEquals(50, parse("{'do_sample': true}").settings().build().topK());
        assertEquals(1, parse("{'do_sample': true}").settings().build().temperature());
        assertEquals(GenerationSettings.greedy(256, Set.of(2)),
                parse("{'eos_token_id': 2, 'top_k': null}").settings().build());
        GenerationSettings search =
                parse("{'num_beams': 4, 'num_return_sequences': 2, 'length_penalty': 0.6, 'early_stopping': 'never', "
                + "'max_length': 100, 'no_repeat_ngram_size': 3, 'min_new_tokens': 2, 'suppress_tokens': [7]}")
                .settings().build();
        assertEquals(GenerationSettings.builder().beams(4).samples(2).lengthPenalty(0.6).maxLength(100).maxNewTokens(100)
                .earlyStopping(EarlyStopping.WHEN_IMPOSSIBLE).noRepeatNgram(3).minNewTokens(2).bannedTokens(Set.of(7))
                .build(), search);
        assertEquals(List.of("a", "b"), parse("{'stop_strings': ['a', 'b']}").settings().build().stopStrings());
        assertEquals(9, parse("{'max_length': 100, 'max_new_tokens': 9}").settings().build().maxNewTokens());
        GenerationSettings asked = parse("{'max_length': 100}").settings().maxNewTokens(300).build();
        assertEquals(GenerationSettings.greedy(300, Set.of()), asked);
        assertEquals(70, parse("{'max_length': 100}").settings().maxLength(70).maxNewTokens(9).build().maxLength());
        assertEquals(EarlyStopping.WHEN_FULL, parse("{'early_stopping': true}").settings().build().earlyStopping());
    }

    @Test
    void whatIsNotFollowedIsKeptAndNoted() {
        GenerationConfig config =
                parse("{'penalty_alpha': 0.6, 'num_beam_groups': 1, 'my_own': {'a': 1}, 'temperature': 0.9}");
        assertEquals(3, config.notes().size(), config.notes().toString());
        assertTrue(config.notes().get(0).contains("penalty_alpha = 0.6") && config.notes().get(1).contains("my_own"));
        assertTrue(config.notes().get(2).contains("temperature") && config.notes().get(2).contains("do_sample"));
        assertEquals(1, config.fields().get("my_own").get("a").intValue());
        assertEquals(0, config.settings().build().temperature());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', value = {"{'eos_token_id': 'x'}~eos_token_id", "{'do_sample': 1}~do_sample",
            "{'top_k': 2.5, 'do_sample': true}~top_k",
        "{'temperature': '1', 'do_sample': true}~temperature", "{'min_new_tokens': 9, 'max_new_tokens': 3}~minNewTokens",
        "{'num_return_sequences': 3}~samples 3", "{'num_beams': 3, 'do_sample': true}~beams 3",
        "{'top_p': 0, 'do_sample': true}~topP",
        "{'eos_token_id': -1}~eos_token_id", "{'stop_strings': [3]}~stop_strings", "[1]~object",
        "{'num_beams': 2, 'num_beams': 3}~num_beams"})
    void whatIsWrongIsNamedWithTheFile(String json, String named) {
        String message = assertThrows(FinetuneException.class, () -> parse(json)).getMessage();
        assertTrue(message.contains(named) && message.contains("generation_config.json"), message);
    }

    @Test
    void withoutTheFileThereAreNoSettings(@TempDir Path folder) {
        GenerationConfig none = GenerationConfig.read(folder);
        assertTrue(none.fields().isEmpty() && none.notes().isEmpty());
        assertEquals(GenerationSettings.builder().build(), none.settings().build());
        assertEquals(Set.of(1), GenerationConfig.read(Path.of("..", "samples", "models",
                "tiny")).settings().build().stopIds());
    }

    @Test
    void settingsThatContradictEachOtherAreRefused() {
        for (GenerationSettings.Builder wrong : List.of(GenerationSettings.builder().samples(2),
                GenerationSettings.builder().beams(2).temperature(1), GenerationSettings.builder().beams(2).samples(3),
                GenerationSettings.builder().beams(2).stopStrings(List.of("a")),
                GenerationSettings.builder().stopStrings(List.of("")),
                GenerationSettings.builder().presencePenalty(3), GenerationSettings.builder().logProbabilities(-2),
                GenerationSettings.builder().minP(1), GenerationSettings.builder().repetitionPenalty(0))) {
            assertTrue(assertThrows(FinetuneException.class, wrong::build).getMessage().startsWith("generation: "));
        }
        GenerationSettings all =
                GenerationSettings.builder().maxNewTokens(7).minNewTokens(2).maxLength(90).temperature(0.3).topK(4)
                .topP(0.5).minP(0.1).typicalP(0.7).repetitionPenalty(1.1).presencePenalty(0.2).frequencyPenalty(0.3).noRepeatNgram(4)
                .seed(9).samples(3).lengthPenalty(2).earlyStopping(EarlyStopping.WHEN_FULL).stopIds(Set.of(3))
                .stopStrings(List.of("x")).logProbabilities(2).bannedTokens(Set.of(8)).logitBias(java.util.Map.of(1,
                2.0)).build();
        assertEquals(all, all.toBuilder().build());
    }
}
