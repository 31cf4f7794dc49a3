"""Random logits after the settings of generation, by PyTorch with whole tensors.

Each setting is written from its definition: the repetition penalty, no-repeat n-grams, temperature, top-k, top-p, min-p
and typical-p as transformers documents them (generation/logits_process.py), presence and frequency penalty as OpenAI's API
reference does; in the order of transformers' _get_logits_processor with OpenAI's penalties after the repetition penalty.
Prints for each case the logits before the draw's filters (null for minus infinity) and the probabilities of the draw.

Usage: logits_rules.py > logits-rules.json    (made with PyTorch 2.6.0)
"""
import json, torch

torch.manual_seed(5)
V = 40
NEVER = float("-inf")


def process(x, prompt, added, s):
    x = x.clone()
    for token, bias in s.get("logitBias", {}).items():
        x[int(token)] += bias
    if "repetitionPenalty" in s:
        seen = torch.zeros(V).bool()
        seen[prompt + added] = True
        x = torch.where(seen, torch.where(x < 0, x * s["repetitionPenalty"], x / s["repetitionPenalty"]), x)
    counts = torch.bincount(torch.tensor(added, dtype=torch.long), minlength=V).to(x.dtype)
    x = x - s.get("presencePenalty", 0) * (counts > 0) - s.get("frequencyPenalty", 0) * counts
    n = s.get("noRepeatNgram", 0)
    if n:
        text = prompt + added
        grams = {tuple(text[i:i + n]) for i in range(len(text) - n + 1)}
        for token in range(V):
            if tuple(text[len(text) - n + 1:] + [token]) in grams:
                x[token] = NEVER
    for token in s.get("bannedTokens", []):
        x[token] = NEVER
    if len(added) < s.get("minNewTokens", 0):
        x[s["stopIds"]] = NEVER
    return x


def draw(x, s):
    x = x / s["temperature"]
    if "topK" in s:
        x = torch.where(x < x.topk(s["topK"]).values[-1], NEVER, x)
    if "topP" in s:
        rising, order = x.sort()
        out = rising.softmax(-1).cumsum(-1) <= 1 - s["topP"]
        out[-1] = False
        x[order[out]] = NEVER
    if "minP" in s:
        p = x.softmax(-1)
        x = torch.where(p < s["minP"] * p.max(), NEVER, x)
    if "typicalP" in s:
        logp = x.log_softmax(-1)
        p = logp.exp()
        entropy = -(p * logp).nansum()
        near, order = (-logp - entropy).abs().sort()
        reached = p[order].cumsum(-1)
        last = int((reached < s["typicalP"]).sum().clamp(max=V - 1))
        x[order[near > near[last]]] = NEVER
    return x.softmax(-1)


cases = []
for settings in [{"logitBias": {"3": 2.5, "17": -4.0}}, {"repetitionPenalty": 1.7}, {"repetitionPenalty": 0.6},
                 {"presencePenalty": 0.9}, {"frequencyPenalty": 0.4}, {"presencePenalty": -0.5, "frequencyPenalty": 1.1},
                 {"noRepeatNgram": 1}, {"noRepeatNgram": 2}, {"noRepeatNgram": 3}, {"bannedTokens": [0, 5, 39]},
                 {"minNewTokens": 20, "stopIds": [1, 2]}, {"minNewTokens": 3, "stopIds": [1, 2]}, {"topK": 7}, {"topP": 0.6},
                 {"minP": 0.2}, {"typicalP": 0.5}, {"typicalP": 0.9}, {"topK": 20, "topP": 0.9, "minP": 0.05, "typicalP": 0.8},
                 {"logitBias": {"8": 1.5, "30": 3.0}, "repetitionPenalty": 1.2, "presencePenalty": 0.3,
                  "frequencyPenalty": 0.2, "noRepeatNgram": 2, "bannedTokens": [11], "minNewTokens": 30, "stopIds": [4],
                  "temperature": 0.7, "topK": 25, "topP": 0.95, "minP": 0.02, "typicalP": 0.95}]:
    for _ in range(3):
        s = {"temperature": 1.3, **settings}
        x = (torch.randn(V) * 2).float()
        # Few tokens, so that they come again.
        text = torch.randint(0, 9, (18,)).tolist()
        prompt, added = text[:10], text[10:]
        after = process(x.double(), prompt, added, s)
        cases.append({"settings": s, "prompt": prompt, "added": added, "logits": x.tolist(),
                      "processed": [None if v == NEVER else round(v, 7) for v in after.tolist()],
                      "probabilities": [round(v, 8) for v in draw(after, s).tolist()]})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
