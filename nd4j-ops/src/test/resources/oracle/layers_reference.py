"""Reference numbers for single layers, computed by PyTorch's own functions in double precision, with gradients by autograd.

For each case: the inputs, a random gradient from above, the output and the gradient of sum(upstream * output) towards every
input of floating-point type. The mixture of experts follows the order of operations of Hugging Face's Mixtral and Qwen3-MoE:
softmax over the router's logits, top-k, renormalisation if asked for, each expert on its own tokens, index_add.

Usage: layers_reference.py > layers-reference.json    (made with PyTorch 2.6.0)
"""
import json, torch
import torch.nn.functional as F

torch.manual_seed(7)
cases = []


def normal(*shape, spread=1.0, mean=0.0):
    return ((torch.randn(*shape, dtype=torch.float64) * spread + mean) * 1e4).round() / 1e4


def array(t):
    return {"shape": list(t.shape), "values": t.detach().reshape(-1).tolist()}


def case(name, function, *inputs):
    leaves = [t.clone().requires_grad_() if t.is_floating_point() else t for t in inputs]
    out = function(*leaves)
    upstream = normal(*out.shape)
    wanted = [t for t in leaves if t.is_floating_point()]
    gradients = torch.autograd.grad((out * upstream).sum(), wanted, allow_unused=True)
    cases.append({"name": name, "inputs": [array(t) for t in inputs], "upstream": array(upstream), "out": array(out),
                  "gradients": [array(torch.zeros_like(t) if g is None else g) for t, g in zip(wanted, gradients)]})


case("layer norm", lambda x, w, b: F.layer_norm(x, (6,), w, b, 1e-5), normal(4, 6, mean=3), normal(6), normal(6))
case("layer norm without bias", lambda x, w: F.layer_norm(x, (6,), w, None, 1e-3), normal(4, 6), normal(6))
case("rms norm", lambda x, w: F.rms_norm(x, (6,), w, 1e-6), normal(4, 6), normal(6))
case("zero-centred rms norm", lambda x, w: F.rms_norm(x, (6,), 1 + w, 1e-6), normal(4, 6), normal(6))
case("rms norm of heads", lambda x, w: F.rms_norm(x.view(4, 3, 2), (2,), w, 1e-6).reshape(4, 6), normal(4, 6), normal(2))
case("row added", lambda x, b: F.linear(x, torch.eye(5, dtype=torch.float64), b), normal(4, 5), normal(5))
activations = {
    "GELU": F.gelu,
    "GELU_TANH": lambda x: F.gelu(x, approximate="tanh"),
    "SILU": F.silu,
    "RELU": F.relu,
    "TANH": torch.tanh,
    "QUICK_GELU": lambda x: x * torch.sigmoid(1.702 * x),
}
for name, f in activations.items():
    case("activation " + name, f, normal(3, 7, spread=2))
    case("gated activation " + name, lambda g, u: f(g) * u, normal(3, 7, spread=2), normal(3, 7))
case("soft cap", lambda x: 30 * torch.tanh(x / 30), normal(3, 7, spread=25))
case("inputs first", lambda x, w: x @ w, normal(3, 4), normal(4, 5))
case("mean pool", lambda h: torch.stack([h[0:1].mean(0), h[1:5].mean(0), h[5:7].mean(0)]), normal(7, 3))
case("first rows", lambda h: h[torch.tensor([0, 1, 5])], normal(7, 3))
case("normalize", lambda x: F.normalize(x, dim=-1), normal(4, 5))


def parts(x, period, begin, count):
    t = x.shape[0]
    return x.view(t, -1, period)[:, :, begin:begin + count].reshape(t, -1)


case("second part of GPT-NeoX's fused layer", lambda x: parts(x, 6, 2, 2), normal(3, 12))
case("last part of Phi-3's fused layer", lambda x: x.split([4, 2, 2], -1)[2], normal(3, 8))


def experts(x, router, gates, ups, downs, k, normalize, f):
    weights, chosen = torch.topk(F.softmax(router, dim=-1), k, dim=-1)
    if normalize:
        weights = weights / weights.sum(-1, keepdim=True)
    out = torch.zeros_like(x)
    for e in range(gates.shape[0]):
        token, place = torch.where(chosen == e)
        given = F.linear(f(F.linear(x[token], gates[e])) * F.linear(x[token], ups[e]), downs[e])
        out = out.index_add(0, token, given * weights[token, place, None])
    return out


for k, normalize, kind in [(2, True, "SILU"), (2, False, "SILU"), (1, False, "GELU_TANH"), (4, True, "SILU")]:
    case(f"experts {k} {normalize} {kind}",
         lambda x, r, g, u, d: experts(x, r, g, u, d, k, normalize, activations[kind]),
         normal(7, 3), normal(7, 4), normal(4, 5, 3), normal(4, 5, 3), normal(4, 3, 5))


def capped_loss(h, w, labels):
    z = 0.7 * (h @ w.T)
    z = 5 * torch.tanh(z / 5)
    return F.cross_entropy(z, labels, reduction="none")


case("capped loss", capped_loss, normal(5, 4, spread=3), normal(9, 4), torch.tensor([8, 0, 3, 3, 1]))
print(json.dumps(cases))
