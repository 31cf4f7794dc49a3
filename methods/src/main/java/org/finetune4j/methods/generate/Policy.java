package org.finetune4j.methods.generate;

import java.util.List;
import org.finetune4j.methods.Method;

/** The model that is about to be trained, with the weights that training starts from. */
public record Policy() implements TextSource {
    /** The policy before training. */
    public static final Method<Policy> METHOD = new Method<>("policy", Method.Kind.SOURCE,
            "The model that is about to be trained, as it is before training", "common practice",
            settings -> new Policy());

    @Override
    public Method<Policy> method() {
        return METHOD;
    }

    @Override
    public TextModel open(SourceContext context) {
        TextModel policy = context.policy();
        return new TextModel() {
            @Override
            public void answer(List<TextRequest> requests, Listener listener) {
                policy.answer(requests, listener);
            }

            @Override
            public String identity() {
                return policy.identity();
            }

            @Override
            public void close() {
                // The model stays its owner's.
            }
        };
    }

    @Override
    public String description() {
        return "the policy as it is before training";
    }
}
