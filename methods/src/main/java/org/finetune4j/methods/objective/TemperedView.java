package org.finetune4j.methods.objective;

import org.finetune4j.head.TokenView;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** What another view shows, with the reference at a temperature of its own. */
final class TemperedView implements TokenView {
    private final TokenView view;
    private final double temperature;
    private @Nullable SDVariable reference;

    TemperedView(TokenView view, double temperature) {
        this.view = view;
        this.temperature = temperature;
    }

    @Override
    public SDVariable referenceLogits() {
        if (reference == null) {
            reference = view.referenceLogits().mul(1 / temperature);
        }
        return reference;
    }

    @Override
    public SameDiff graph() {
        return view.graph();
    }

    @Override
    public SDVariable logits() {
        return view.logits();
    }

    @Override
    public SDVariable labels() {
        return view.labels();
    }

    @Override
    public SDVariable positions() {
        return view.positions();
    }

    @Override
    public SDVariable samples() {
        return view.samples();
    }

    @Override
    public SDVariable logProbability() {
        return view.logProbability();
    }

    @Override
    public SDVariable logSumExp() {
        return view.logSumExp();
    }

    @Override
    public SDVariable klDivergence(SDVariable from, SDVariable to) {
        return view.klDivergence(from, to);
    }

    @Override
    public SDVariable logProbability(SDVariable logits) {
        return view.logProbability(logits);
    }

    @Override
    public SDVariable atLabel(SDVariable x) {
        return view.atLabel(x);
    }

    @Override
    public SDVariable largest(SDVariable x) {
        return view.largest(x);
    }

    @Override
    public SDVariable entropy(SDVariable logits) {
        return view.entropy(logits);
    }

    @Override
    public SDVariable column(String name) {
        return view.column(name);
    }

    @Override
    public SDVariable drawnTokens(SDVariable logits, double temperature, int count, int among) {
        return view.drawnTokens(logits, temperature, count, among);
    }

    @Override
    public SDVariable stopGradient(SDVariable x) {
        return view.stopGradient(x);
    }
}
