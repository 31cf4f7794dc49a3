package org.finetune4j.methods.objective;

import java.util.List;
import org.finetune4j.head.SequenceLoss;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.jspecify.annotations.Nullable;

/** Another token loss with something done differently by a subclass. */
public abstract class DelegatingTokenLoss implements TokenLoss {
    private final TokenLoss loss;

    /** A loss that does as {@code loss} does. */
    protected DelegatingTokenLoss(TokenLoss loss) {
        this.loss = loss;
    }

    @Override
    public boolean needsReference() {
        return loss.needsReference();
    }

    @Override
    public Expression build(TokenView view) {
        return loss.build(view);
    }

    @Override
    public List<String> columns() {
        return loss.columns();
    }

    @Override
    public boolean drawsTokens() {
        return loss.drawsTokens();
    }

    @Override
    public @Nullable SequenceLoss sequenceLoss() {
        return loss.sequenceLoss();
    }

    @Override
    public @Nullable Lag lag() {
        return loss.lag();
    }

    @Override
    public @Nullable MaskedInput maskedInput() {
        return loss.maskedInput();
    }

    @Override
    public double draftShare() {
        return loss.draftShare();
    }

    @Override
    public List<Integer> exits() {
        return loss.exits();
    }

    @Override
    public List<Integer> exits(int layers) {
        return loss.exits(layers);
    }

    @Override
    public boolean addsExits() {
        return loss.addsExits();
    }

    @Override
    public @Nullable String divisor() {
        return loss.divisor();
    }
}
