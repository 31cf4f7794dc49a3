"""Beam searches on samples/models/tiny, by PyTorch without a cache: every step runs whole sequences again.

The forward pass is that of llama_reference.py beside this file, in double precision. The search follows the definition of
transformers 4.50 and later (generation/utils.py, _beam_search and its parts) with whole tensors of beams: running beams
beside finished ones, both filled with -1e9 where there is none yet.

Usage: beam_search.py MODEL_FOLDER > beam-search.json    (made with PyTorch 2.6.0)
"""
import json, os, sys, torch

source = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_reference.py")).read()
exec(source[:source.index("torch.manual_seed(0)")])
torch.manual_seed(0)
ids = torch.randint(0, c["vocab_size"], (48,)).tolist()
OUT = -1.0e9


def processed(rows, sequences, penalty):
    scores = torch.log_softmax(rows, -1)
    if penalty != 1:
        for row, sequence in zip(scores, sequences):
            seen = torch.tensor(sorted(set(sequence)))
            row[seen] = torch.where(row[seen] < 0, row[seen] * penalty, row[seen] / penalty)
    return scores


def search(prompt, beams, new, stops, power, early, penalty):
    running, running_scores = [list(prompt)] * beams, torch.tensor([0.0] + [OUT] * (beams - 1)).double()
    finished, finished_scores, has_finished = [None] * beams, torch.full((beams,), OUT).double(), torch.zeros(beams).bool()
    keep = max(2, 1 + len(stops)) * beams
    for step in range(1, new + 1):
        rows = torch.stack([logits(sequence)[-1] for sequence in running])
        total = processed(rows, running, penalty) + running_scores[:, None]
        best, flat = total.flatten().topk(keep)
        parents, tokens = flat // total.shape[1], flat % total.shape[1]
        sequences = [running[p] + [t] for p, t in zip(parents.tolist(), tokens.tolist())]
        ends = torch.tensor([t in stops or step == new for t in tokens.tolist()])
        running_scores, order = (best + ends * OUT).topk(beams)
        full = bool(has_finished.all()) and early is True
        just = ends & (torch.arange(keep) < beams)
        scores = best / step ** power
        scores = torch.where(just, scores, torch.tensor(OUT).double()) + (OUT if full else 0)
        merged, chosen = torch.cat((finished_scores, scores)).topk(beams)
        finished = [(finished + sequences)[i] for i in chosen.tolist()]
        has_finished = torch.cat((has_finished, just))[chosen]
        finished_scores = merged
        running = [sequences[i] for i in order.tolist()]
        length = new if early == "never" and power > 0 else step
        worst = torch.where(has_finished, finished_scores.min(), torch.tensor(OUT).double())
        improves = bool((running_scores[0] / length ** power > worst).any())
        if not improves or bool(has_finished.all()) and early is True or bool(ends.all()):
            break
    return [{"tokens": sequence[len(prompt):], "score": score} for sequence, score, there
            in zip(finished, finished_scores.tolist(), has_finished.tolist()) if there]


cases = []
with torch.no_grad():
    for start, beams, new, stops, power, early, penalty in [
            (0, 4, 12, [50], 1.0, False, 1.0), (0, 3, 10, [50, 34], 2.0, True, 1.0), (6, 5, 8, [50, 46], -0.5, "never", 1.0),
            (12, 2, 10, [], 0.0, False, 1.0), (18, 4, 10, [50], 1.0, False, 1.3), (24, 4, 12, [50, 55], 0.5, "never", 1.0)]:
        prompt = ids[start:start + 6]
        cases.append({"prompt": prompt, "beams": beams, "new": new, "stops": stops, "power": power, "early": str(early),
                      "penalty": penalty, "texts": search(prompt, beams, new, stops, power, early, penalty)})
print(json.dumps({"torch": torch.__version__, "cases": cases}))
