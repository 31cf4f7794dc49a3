"""Attention with scales, softcaps, windows, without a mask and with partial, magnified rotary embeddings, by PyTorch.

In double precision: torch.nn.functional.scaled_dot_product_attention with an explicit mask where there is no softcap,
and softmax of cap * tanh(score / cap) written out where there is; the rotary embedding as Hugging Face's rotate_half on
the first numbers of a head; gradients by autograd. Prints one JSON array of cases with inputs, outputs and gradients.

Usage: attention_reference.py > attention-reference.json    (made with PyTorch 2.6.0)
"""
import json, torch
import torch.nn.functional as F

torch.manual_seed(11)
HEADS, KEY_HEADS, DEPTH = 2, 1, 6
OFFSETS = [0, 6, 8]
POSITIONS = [0, 1, 2, 3, 4, 5, 3, 40]


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def turned(x, frequencies, magnitude):
    angle = torch.tensor(POSITIONS).double()[:, None] * torch.tensor(frequencies, dtype=torch.double)[None]
    both = torch.cat((angle, angle), -1)[:, None]
    n = both.shape[-1]
    part, rest = x[..., :n], x[..., n:]
    return torch.cat((part * both.cos() * magnitude + rotate_half(part) * both.sin() * magnitude, rest), -1)


def visible(n, window, causal):
    q, k = torch.arange(n)[:, None], torch.arange(n)[None]
    seen = torch.ones(n, n, dtype=torch.bool)
    if causal:
        seen &= k <= q
    if window:
        seen &= k > q - window
    return seen


def attention(q, k, v, scale, softcap, window, causal):
    q, k, v = (x.transpose(0, 1) for x in (q, k, v))
    k, v = (x.repeat_interleave(HEADS // KEY_HEADS, 0) for x in (k, v))
    seen = visible(q.shape[1], window, causal)
    if not softcap:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale).transpose(0, 1)
    scores = torch.tanh(q @ k.transpose(1, 2) * scale / softcap) * softcap
    return (scores.masked_fill(~seen, float("-inf")).softmax(-1) @ v).transpose(0, 1)


def numbers(heads):
    return torch.round(torch.randn(OFFSETS[-1], heads, DEPTH).double() * 1000) / 1000


def case(scale, softcap, window, causal, frequencies=(), magnitude=1.0):
    q, k, v = (numbers(h).requires_grad_() for h in (HEADS, KEY_HEADS, KEY_HEADS))
    upstream = numbers(HEADS)
    tq, tk = (turned(x, frequencies, magnitude) if frequencies else x for x in (q, k))
    out = torch.cat([attention(tq[b:e], tk[b:e], v[b:e], scale, softcap, window, causal)
                     for b, e in zip(OFFSETS, OFFSETS[1:])])
    (out * upstream).sum().backward()
    arrays = dict(query=q, key=k, value=v, upstream=upstream, out=out, queryGradient=q.grad, keyGradient=k.grad,
                  valueGradient=v.grad)
    return dict(heads=HEADS, keyValueHeads=KEY_HEADS, headDimension=DEPTH, offsets=OFFSETS, positions=POSITIONS,
                scale=scale, softcap=softcap, window=window, causal=causal, frequencies=list(frequencies),
                magnitude=magnitude, **{name: x.detach().flatten().tolist() for name, x in arrays.items()})


print(json.dumps([
    case(0.41, 0, 3, True),
    case(0.7, 2.5, 0, True),
    case(0.3, 0, 0, False, (1.0, 0.1, 0.01)),
    case(0.6, 1.5, 2, True, (1.0, 0.05), 1.3),
    case(0.5, 0, 4, True, (0.9,), 0.8),
]))
