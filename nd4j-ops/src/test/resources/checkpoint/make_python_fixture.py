"""Writes python.safetensors with the reference implementation; run with torch and safetensors installed.

Made with torch 2.6.0 and safetensors 0.4.5. The values are the same formulas as in SafetensorsFileTest.
"""
import sys
import torch
from safetensors.torch import save_file

count = torch.arange(24, dtype=torch.float64)
values = (count - 11.5) / 7.0
save_file(
    {
        "double": values.reshape(2, 3, 4),
        "float": values.float().reshape(4, 6),
        "half": values.half().reshape(24),
        "bfloat16": values.bfloat16().reshape(3, 8),
        "long": (count.long() - 12) * 3_000_000_000,
        "int": (count.int() - 12) * 100_000_000,
        "short": (count.short() - 12) * 2_000,
        "byte": (count - 12).to(torch.int8),
        "unsigned byte": (count * 10).to(torch.uint8),
        "bool": count.long() % 3 == 0,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 5),
        "naïve 名前": torch.tensor([1.0]),
        "eight bit": values.to(torch.float8_e4m3fn),
    },
    sys.argv[1],
    metadata={"format": "pt", "note": "naïve 名前"},
)
