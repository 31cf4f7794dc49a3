package org.finetune4j.methods;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.adapt.Dora;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.adapt.SavedAdapter;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.OpenAi;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.LlmJudge;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.DftDynamic;
import org.finetune4j.methods.objective.KlDirection;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.methods.select.S3ft;
import org.finetune4j.methods.select.Ssr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MethodsTest {
    static Stream<Fragment> fragments() {
        return Stream.of(new Sft(0.1, 1e-4, Reduction.SEQUENCES), new DftDynamic(),
                new Asft(0.1, KlDirection.REVERSE, 0.2),
                new Grape("answers", 2, false, 3, Grape.BelowMinimum.DROP, Grape.Order.RANDOM, 1L << 40),
                new Lora(4, 2.5, 0.1, List.of("q_proj", "layers.2"), true, List.of("layers.2=1"), List.of("q_proj=7.5")),
                new Dora(4, 2.5, 0.1, List.of("q_proj")), new SavedAdapter("there"), ExactMatch.gsm8kFlexible(),
                new Policy(), new LocalModel("there"),
                new S3ft(new LlmJudge(new LocalModel("j"), 4, LlmJudge.Unparsable.ERROR), "{prompt} {response}", 2, 0.5, 0.9, 7,
                        new LocalModel("m"), true, 3),
                new Ssr(new ExactAnswer(ExactMatch.gsm8kStrict()), "known", Ssr.Route.RANDOM, 0.1, 0.8, 9, 2),
                new CodeTests(List.of("sh", "{file}"), "a.sh", "checks", 1.5, "echo {text} now"),
                new OpenAi("m", "http://localhost:1/v1", "KEY", 2, 60, 3, 10, 1, 2));
    }

    static Stream<Method<? extends Fragment>> methods() {
        return Methods.all().stream();
    }

    @ParameterizedTest
    @MethodSource("fragments")
    void settingsMakeTheSameFragmentAgain(Fragment fragment) {
        assertEquals(fragment, fragment.method().create(new Settings(fragment.settings())));
        for (Object value : fragment.settings().values()) {
            assertTrue(value instanceof String || value instanceof Boolean || value instanceof Long
                    || value instanceof Double || value instanceof Enum<?> || value instanceof List<?>
                    || value instanceof Fragment,
                    value.toString());
        }
    }

    @Test
    void aFragmentInASettingIsMadeOfItsMethodAndSettings() {
        Map<String, Object> judge = Map.of("method", "llmJudge", "source", Map.of("method", "localModel", "folder", "j"));
        assertEquals(new Ssr(new LlmJudge(new LocalModel("j"))), Ssr.METHOD.create(new Settings(Map.of("judge", judge))));
        String unknown = assertThrows(FinetuneException.class, () -> Ssr.METHOD.create(new Settings(Map.of("judge",
                Map.of("method", "llmJuge"))))).getMessage();
        assertTrue(unknown.startsWith("there is no method 'llmJuge' for judge(...); there are exactAnswer, llmJudge, ")
                && unknown.endsWith("Did you mean 'llmJudge'?"), unknown);
        assertTrue(assertThrows(FinetuneException.class, () -> Ssr.METHOD.create(new Settings(Map.of("judge", "yes"))))
                .getMessage().startsWith("setting 'judge' is yes, but must be "));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aMethodWithoutSettingsHasDefaultsAndKnowsItself(Method<? extends Fragment> method) {
        Fragment fragment = method.create(new Settings(Map.of()));
        assertSame(method, fragment.method());
        assertSame(method, Methods.named(method.kind(), method.name()));
        assertFalse(method.title().isBlank() || method.source().isBlank());
    }

    @Test
    void defaultsAreThoseOfTheCards() {
        assertEquals(Map.of("labelSmoothing", 0.0, "zLoss", 0.0, "reduction", Reduction.TOKENS), defaults(Sft.METHOD));
        assertEquals(Map.of(), defaults(DftDynamic.METHOD));
        assertEquals(Map.of("kl", 0.05, "direction", KlDirection.FORWARD, "weightFloor", 0.0), defaults(Asft.METHOD));
        assertEquals(Map.of("candidates", "responses", "topK", 1L, "normalise", true, "minCandidates", 2L,
                "belowMinimum", Grape.BelowMinimum.REFUSE, "order", Grape.Order.HIGHEST, "seed", 0L),
                defaults(Grape.METHOD));
        assertEquals(Map.of("rank", 8L, "alpha", 16.0, "dropout", 0.0, "targets", List.of("all-linear"),
                "rsLora", false, "ranks", List.of(), "alphas", List.of()),
                defaults(Lora.METHOD));
        assertEquals(defaults(Lora.METHOD), defaults(Dora.METHOD));
        assertEquals(new ExactMatch(), ExactMatch.METHOD.create(new Settings(Map.of())));
        assertEquals(new Sft(), Sft.METHOD.create(new Settings(Map.of())));
        assertEquals(new Grape(), Grape.METHOD.create(new Settings(Map.of())));
        assertEquals(List.of("kl", "direction", "weightFloor"), List.copyOf(new Asft(0).settings().keySet()),
                "settings come in the order of the definition");
    }

    private static Map<String, Object> defaults(Method<? extends Fragment> method) {
        return method.create(new Settings(Map.of())).settings();
    }

    @Test
    void namesAreUniqueWithinTheirKind() {
        Set<String> names = new HashSet<>();
        for (Method<? extends Fragment> method : Methods.all()) {
            assertTrue(names.add(method.kind() + method.name()), method.name());
        }
        assertTrue(Methods.all().stream().filter(method -> method.kind() == Method.Kind.OBJECTIVE)
                .allMatch(method -> method.create(new Settings(Map.of())) instanceof Objective));
    }

    @Test
    void aMistypedNameGetsTheNearest() {
        String message = refusal(Method.Kind.OBJECTIVE, "assft");
        assertTrue(message.contains("there are sft, dftDynamic, asft, ") && message.contains("Did you mean 'asft'?"),
                message);
        assertTrue(refusal(Method.Kind.SELECT, "Grappe").contains("Did you mean 'grape'?"));
        assertFalse(refusal(Method.Kind.OBJECTIVE, "reinforce").contains("Did you mean"), "nothing is near");
    }

    @Test
    void aNameOfAnotherKindIsSentThere() {
        assertTrue(refusal(Method.Kind.OBJECTIVE, "lora").contains("It belongs in adapt(...)."));
    }

    private static String refusal(Method.Kind kind, String name) {
        return assertThrows(FinetuneException.class, () -> Methods.named(kind, name)).getMessage();
    }

    @Test
    void anUnknownSettingGetsTheNearest() {
        String message = assertThrows(FinetuneException.class,
                () -> Lora.METHOD.create(new Settings(Map.of("rankk", 4)))).getMessage();
        assertTrue(message.contains("lora has no setting 'rankk'; it has rank, alpha, dropout, targets, rsLora, ranks, alphas.")
                && message.contains("Did you mean 'rank'?"), message);
        assertTrue(assertThrows(FinetuneException.class,
                () -> DftDynamic.METHOD.create(new Settings(Map.of("kl", 1)))).getMessage().contains("it has none"));
    }

    @Test
    void aSettingOfTheWrongTypeIsRefused() {
        for (Map.Entry<String, Object> wrong : Map.<String, Object>of("rank", 2.5, "alpha", "much", "targets", "q_proj")
                .entrySet()) {
            String message = assertThrows(FinetuneException.class,
                    () -> Lora.METHOD.create(new Settings(Map.of(wrong.getKey(), wrong.getValue())))).getMessage();
            assertTrue(message.contains("'" + wrong.getKey() + "' is " + wrong.getValue()), message);
        }
        assertThrows(FinetuneException.class, () -> Lora.METHOD.create(new Settings(Map.of("rank", 1L << 40))));
        assertThrows(FinetuneException.class, () -> Grape.METHOD.create(new Settings(Map.of("normalise", "yes"))));
        assertThrows(FinetuneException.class, () -> Grape.METHOD.create(new Settings(Map.of("candidates", 3))));
    }

    @Test
    void editsAreCounted() {
        assertEquals(3, Nearest.edits("kitten", "sitting"));
        assertEquals(0, Nearest.edits("", ""));
        assertEquals(4, Nearest.edits("", "lora"));
    }
}
