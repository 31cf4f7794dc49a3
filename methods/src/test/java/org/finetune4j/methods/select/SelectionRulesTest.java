package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

class SelectionRulesTest {
    private static final List<Sample> POOL = List.of(sample("pool:1", "a", "aa"), sample("pool:2", "b", "bb"));

    private static Sample sample(String id, String... candidates) {
        return new Sample(id, List.of(Message.user(id)), List.of(candidates).stream()
                .map(text -> new Candidate(text, "source")).toList(), null, Map.of());
    }

    /** A selector of these traits that finds nothing wrong with samples that have a response. */
    private record Of(String name, Set<Trait> traits) implements Selector {
        Of(String name, Trait... traits) {
            this(name, Set.of(traits));
        }

        @Override
        public Method<Of> method() {
            return new Method<>(name, Method.Kind.SELECT, name, "this test", settings -> this);
        }

        @Override
        public Selection select(List<Sample> samples, SelectionContext context) {
            return new Selection(samples, Map.of());
        }

        @Override
        public List<String> problems(List<Sample> samples) {
            return samples.stream().filter(sample -> sample.response() == null).map(sample -> sample.id()
                    + " has no response.").limit(1).toList();
        }

        @Override
        public List<TextWork> work(List<Sample> samples) {
            return List.of(new TextWork(new Policy(), "answers", samples.size(), TextWork.tokens(samples.get(0)
                    .messages()),
                    10));
        }
    }

    private static List<String> problems(List<Sample> samples, Selector... selectors) {
        return SelectionRules.problems(List.of(selectors), samples, "pool");
    }

    @Test
    void aSelectorAmongCandidatesNeedsAChoice() {
        assertEquals(List.of(), problems(POOL, new Grape()));
        assertEquals(List.of("grape has nothing to choose: each of the 1 samples of pool has one response. Give "
                + "candidate "
                + "responses, name the field that holds them, or leave the selector out."),
                problems(List.of(POOL.get(0).withResponse("a")), new Grape()));
        assertEquals(List.of(), problems(List.of(POOL.get(0).withResponse("a")), new Of("other")),
                "others choose otherwise");
    }

    @Test
    void whatASelectorNeedsIsCheckedOnWhatTheOneBeforeLeaves() {
        Of needy = new Of("needy", Selector.Trait.CHOOSES_TARGET);
        assertEquals(List.of("needy: pool:1 has no response."), problems(List.of(POOL.get(0).withCandidates(List.of())),
                needy));
        assertEquals(List.of(), problems(POOL, new Grape(), needy));
    }

    @Test
    void orderAndDuplicatesAreRefused() {
        Of router = new Of("router", Selector.Trait.CHOOSES_TARGET, Selector.Trait.ROUTES_TARGET);
        Of weights = new Of("weights", Selector.Trait.REWEIGHTS);
        assertEquals(List.of("router and router do the same: each sends a prompt to the model's own answer or to its "
                + "response. Keep one of them."), problems(POOL, new Grape(), router, router));
        assertEquals(List.of("grape comes after router, which leaves one response for each prompt, so that grape has "
                + "nothing to choose. Write select(grape(...), router(...)), or keep one of them."),
                problems(POOL, router, new Grape()));
        assertEquals(List.of("grape takes repeated samples for one and comes after weights, which repeats samples so "
                + "that "
                + "they count more: its weights would be lost. Put grape before weights, or leave it out."),
                problems(POOL, weights, new Grape()));
        assertEquals(List.of(), problems(POOL, new Grape(), router, weights));
    }

    @Test
    void workIsToldInWords() {
        List<TextWork> work = SelectionRules.work(List.of(new Grape(), new Of("asking")), POOL);
        assertEquals(List.of("the policy as it is before training: at most 2 requests for answers, about 2 tokens in "
                + "and at "
                + "most 20 out"), work.stream().map(TextWork::description).toList());
    }
}
