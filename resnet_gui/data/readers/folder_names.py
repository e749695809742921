"""What the name of a folder says about it: a split, a fold, or something that lies beside the dataset."""

from __future__ import annotations

import re
import unicodedata

from resnet_gui.data.samples import SplitName

_SPLIT_WORDS: dict[SplitName, str] = {
    "train": "train training trn learn learning trainval entrenamiento entrainement treinamento treino addestramento",
    "val": "val valid validate validation dev devel development eval evaluation validierung validacion validacao",
    "test": "test testing tst holdout heldout teste prueba pruebas",
}
_SPLIT_OF = {word: split for split, words in _SPLIT_WORDS.items() for word in words.split()}
_OTHER_WORDS = {
    "neutral": "set sets data dataset datasets image images img imgs picture pictures pic pics photo photos folder dir split splits "
    "seg cls final raw orig original new resized full small large jpg jpeg png crop crops cropped all zip unzipped extracted rgb",
    "beside": "unlabeled unlabelled unsup unsupervised pred preds predict predictions submission submissions docs documentation "
    "figures examples samples readme demos results outputs annotation annotations labels masks metadata scripts notebooks "
    "thumbnails previews",
    "perhaps beside": "unknown misc miscellaneous other others extra extras rest prediction doc fig figs figure example sample demo "
    "result output label mask meta code script notebook log logs model models weights thumbnail preview tmp temp backup",
    "fold": "fold folds kfold cv crossval",
}
_NEUTRAL, _BESIDE, _PERHAPS_BESIDE, _FOLD = (frozenset(words.split()) for words in _OTHER_WORDS.values())
"""Neutral words say nothing about what a folder is: `train_images` is as much a split as `train`. What is perhaps beside
a dataset is so beside a train folder; beside class folders it may well be a class."""
_SPLIT_OF_TOKEN = _SPLIT_OF | {
    token: split for word, split in _SPLIT_OF.items() for other in _NEUTRAL for token in (word + other, other + word)
}
"""Also words that have grown together with a neutral one: `trainset`, `imgtest`."""
_TOKEN = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")


def split_of(name: str) -> SplitName | None:
    """The split that `name` names: `seg_train`, `Training`, `TrainSet`, `test2017`. None for no split and for several."""
    tokens = _tokens(name)
    if whole := _SPLIT_OF.get("".join(tokens)):
        return whole
    found = {_SPLIT_OF_TOKEN[token] for token in tokens if token in _SPLIT_OF_TOKEN}
    if found == {"train", "val"}:
        return "train"  # trainval: all that may be learned from
    return found.pop() if len(found) == 1 else None


def is_plain(name: str) -> bool:
    """Whether `name` is the split's word and nothing else: `TEST` is, `TEST_SIMPLE` is not."""
    return _plain_letters(name).lower() in _SPLIT_OF


def other_words(name: str) -> tuple[str, ...]:
    """The words of `name` that neither name a split nor say nothing: `("station",)` of `train_station`, () of `test_set`."""
    return tuple(
        token
        for token in _tokens(name)
        if not (token in _NEUTRAL or token.isdecimal() or len(token) == 1 or token in _SPLIT_OF_TOKEN)
    )


def lies_beside(name: str, surely: bool = False) -> bool:
    """Whether a folder of this name usually lies beside a dataset, as `docs` and `unlabeled_images` do.

    `surely`: not if it could be a class, as `unknown` could.
    """
    words = [token for token in _tokens(name) if token not in _NEUTRAL and not token.isdecimal()]
    beside = _BESIDE if surely else _BESIDE | _PERHAPS_BESIDE
    return bool(words) and beside.issuperset(words)


def is_fold(name: str) -> bool:
    """Whether `name` names one fold of several: `fold_1`, `cv-3`, `kfold0`."""
    tokens = _tokens(name)
    return any(token in _FOLD for token in tokens) and any(token.isdecimal() or len(token) == 1 for token in tokens)


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which `fold_2` comes before `fold_10`."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part]


def _tokens(name: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(_plain_letters(name))]


def _plain_letters(name: str) -> str:
    """`name` without accents."""
    if name.isascii():
        return name
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
