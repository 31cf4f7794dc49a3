package org.finetune4j.methods.select;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;

/** A judge that is a function of reply and sample. */
record TableJudge(Predicate<Reply> right) implements Judge {
    static TableJudge always(boolean verdict) {
        return new TableJudge(reply -> verdict);
    }

    @Override
    public Method<TableJudge> method() {
        return new Method<>("table", Method.Kind.JUDGE, "A table", "this test", settings -> this);
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of();
    }

    @Override
    public List<Verdict> judge(List<Reply> replies, Asker asker) {
        return replies.stream().map(reply -> right.test(reply) ? Verdict.ACCEPTED : Verdict.REJECTED).toList();
    }
}
