package org.finetune4j.methods.objective;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.generation.Depth;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Sorted fine-tuning (SoFT): a base objective behind several depths of the model at once, each of which is a model of
 * its own afterwards.
 *
 * <p>Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic Inference,
 * arXiv 2309.08968. With {@code f_n(x) = Head(FinalNorm(h_n(x)))} of the residual stream h_n behind block n, and with
 * one norm and one head for all n, the loss over the exits B is
 * <pre>
 * 1/|B| sum_{n in B} base(f_n)
 * </pre>
 * No gradient is stopped between exits. The paper's runs use a learning rate of 2e-5, batches of 32 and 2 epochs. Logs
 * what the base does, of the whole model under its own names and of each other exit with {@code exitN.} in front.
 *
 * @param exits  numbers of blocks, ascending within 1 to the model's and with the last; default empty: the blocks
 *               nearest to 30 %, 40 % and so on up to all, which is the paper's choice for 40 blocks
 * @param base   what is minimised at every exit; default sft
 * @param reduce whether the exits' losses are averaged or added up; default MEAN
 */
public record Sorted(List<Integer> exits, Objective base, Reduce reduce) implements OverBase {
    /** What becomes of the exits' losses. */
    public enum Reduce {
        /** Their mean. */
        MEAN,
        /** Their sum. */
        SUM
    }

    /** SoFT, 2023. */
    public static final Method<Sorted> METHOD = new Method<>("sorted", Method.Kind.OBJECTIVE,
            "Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic "
                    + "Inference",
            "arXiv 2309.08968", settings -> new Sorted(settings.wholes("exits", List.of()),
                    settings.fragment("base", Method.Kind.OBJECTIVE, Objective.class, new Sft()),
                    settings.choice("reduce", Reduce.MEAN)));

    /** Refuses exits out of order with a {@link org.finetune4j.FinetuneException}. */
    public Sorted {
        exits = List.copyOf(exits);
        for (int i = 0; i < exits.size(); i++) {
            Settings.require(exits.get(i) >= 1 && (i == 0 || exits.get(i) > exits.get(i - 1)), "sorted", "exits", exits,
                    "ascending from at least 1, which " + exits.get(i) + " is not");
        }
    }

    /** The mean over these exits of plain fine-tuning. */
    public Sorted(List<Integer> exits) {
        this(exits, new Sft(), Reduce.MEAN);
    }

    /** The exits of a model of so many blocks. */
    List<Integer> exits(int layers) {
        return exits.isEmpty() ? Depth.paperExits(layers) : exits;
    }

    @Override
    public Method<Sorted> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return new AtExits(base.tokenLoss());
    }

    /** The base's loss at the exits. */
    private final class AtExits extends DelegatingTokenLoss {
        AtExits(TokenLoss loss) {
            super(loss);
        }

        @Override
        public List<Integer> exits(int layers) {
            return Sorted.this.exits(layers);
        }

        @Override
        public boolean addsExits() {
            return reduce == Reduce.SUM;
        }
    }

    @Override
    public List<String> problems(Composition composition) {
        List<String> problems = new ArrayList<>(base.problems(composition));
        TokenLoss loss = base.tokenLoss();
        if (loss.sequenceLoss() != null || loss.divisor() != null || loss.needsReference()) {
            problems.add("sorted needs a base that is a plain mean over tokens without a reference, which has no "
                    + "exits; " + base.method().name() + " is none. Take sft() or another such objective as the base.");
        }
        int layers = composition.layers();
        int last = exits(layers).get(exits(layers).size() - 1);
        if (last > layers) {
            problems.add("sorted has the exit " + last + ", but the model has only " + layers
                    + " blocks. Leave it out.");
        } else if (last < layers) {
            problems.add("sorted leaves out " + layers + ", the model's last block, so that the whole model would not "
                    + "be trained. Add it to exits.");
        }
        return problems;
    }
}
