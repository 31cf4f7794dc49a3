"""Trains tiny SentencePiece vocabularies, writes them as tokenizer.json, and lets SentencePiece itself encode texts.

Each folder of kinds/ is one model folder; kinds/cases.json holds the tokens and texts that are expected of it. BPE with byte
fallback is what Llama 2, Mistral and Gemma use, Unigram is T5's and XLM-R's; WordPiece, BERT's, is encoded by the greedy rule
of its paper, written below. Made with sentencepiece 0.2.0.
"""
import json
import os
import random

import sentencepiece

here = os.path.dirname(os.path.abspath(__file__))
CORPUS = [
    "The answer is twelve, because three times four is 12. The answer to that is the same answer.",
    "What is 3 + 4? The assistant answers that 3 + 4 is 7. The user says thanks, the assistant says bye.",
    "A b\u00e4r and a caf\u00e9 and a na\u00efve r\u00f4le. An e\u0301 of two parts.",
    "there then their these those this that thus though through thorough",
] * 3
TEXTS = [
    "The answer", " leading", "trailing ", "two  spaces   three", "caf\u00e9 b\u00e4r", "\U0001f600 \u540d\u524d", "a\nb\n\nc\td", "",
    " ", "   ", "(unseen) [chars] {here}", "x" * 20, "answer</s>answer", "the\u00a0non-breaking", "1234567", "\U0001f468\u200d\U0001f469\u200d\U0001f467!", "there then", "  three times four", "The user says bye.", "thorough though this", "12 is  the same",
    "What answers that", "a b c",
]


def save(folder, name, value):
    os.makedirs(os.path.join(here, "kinds", folder), exist_ok=True)
    with open(os.path.join(here, "kinds", folder, name), "w") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)


def added(id, content):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True}


def train(kind, size, **options):
    with open("/tmp/corpus.txt", "w") as file:
        file.write("\n".join(CORPUS))
    sentencepiece.SentencePieceTrainer.train(input="/tmp/corpus.txt", model_prefix="/tmp/tiny", vocab_size=size, model_type=kind,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True, minloglevel=2, **options)
    return sentencepiece.SentencePieceProcessor(model_file="/tmp/tiny.model")


def outcomes(model):
    made = []
    for text in TEXTS:
        if "</s>" in text:
            continue
        ids = model.encode(text)
        made.append({"text": text, "ids": ids, "decoded": model.decode(ids)})
    return made


def bpe():
    model = train("bpe", 360, byte_fallback=True, character_coverage=0.98)
    vocab = {model.id_to_piece(i): i for i in range(model.get_piece_size())}
    # A merge's rank is the id of what it makes, as SentencePiece prefers the best score, which falls with the id.
    merges = []
    for piece, id in vocab.items():
        if model.is_byte(id) or model.is_control(id) or model.is_unknown(id):
            continue
        pairs = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += [(id, vocab[a], vocab[b], a, b) for a, b in pairs]
    save("bpe", "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True,
            "vocab": vocab, "merges": [a + " " + b for _, _, _, a, b in sorted(merges)]}})
    save("bpe", "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False,
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": None})
    return outcomes(model)


def unigram():
    model = train("unigram", 90, character_coverage=1.0, hard_vocab_limit=False)
    save("unigram", "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": False},
        "post_processor": None,
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": False},
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
            "vocab": [[model.id_to_piece(i), model.get_score(i)] for i in range(model.get_piece_size())]}})
    save("unigram", "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "unk_token": "<unk>"})
    # Unknown characters and a blank in front are joined otherwise by tokenizer.json's Metaspace, as transformers has it.
    return [outcome for outcome in outcomes(model) if outcome["text"].strip() and not outcome["text"].startswith(" ")
            and 0 not in outcome["ids"]]


def wordpiece():
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdefghijklmnopqrstuvwxyz0123456789.,?!+-")
    pieces += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    pieces += ["the", "answer", "is", "##wer", "ans", "##s", "three", "that", "##ing", "un", "##seen", "assist", "##ant"]
    pieces = list(dict.fromkeys(pieces))
    vocab = {piece: id for id, piece in enumerate(pieces)}

    def word(text):
        ids, start = [], 0
        while start < len(text):
            end = len(text)
            while end > start and ("##" if start else "") + text[start:end] not in vocab:
                end -= 1
            if end == start:
                return [vocab["[UNK]"]]
            ids.append(vocab[("##" if start else "") + text[start:end]])
            start = end
        return ids

    texts = ["the answer", "The ANSWER is that.", "unseen assistants, answering?", "  spaced   out ", "3+4!", "\u540d the", "zz"]
    made = []
    for text in texts:
        spaced = "".join(" " + c + " " if c in ".,?!+-" or ord(c) > 0x4e00 else c for c in text.lower())
        ids = [id for part in spaced.split() for id in word(part)]
        made.append({"text": text, "ids": ids})
    save("wordpiece", "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(i, pieces[i]) for i in range(5)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab}})
    save("wordpiece", "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "cls_token": "[CLS]", "sep_token": "[SEP]",
        "pad_token": "[PAD]", "mask_token": "[MASK]", "unk_token": "[UNK]"})
    return made


cases = {"bpe": bpe(), "unigram": unigram(), "wordpiece": wordpiece()}
with open(os.path.join(here, "kinds", "cases.json"), "w") as file:
    json.dump(cases, file, ensure_ascii=False, indent=1)
print({kind: len(made) for kind, made in cases.items()})
