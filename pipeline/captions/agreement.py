"""Whether script and recording belong together, judged by speaking rate, length and pauses. Words are not listened to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.captions.alignment import Alignment, align
from pipeline.captions.phrases import Phrase
from pipeline.model import Span

# Syllables a second of voice, pauses left out. Reading aloud takes 3.5 to 6.5; beyond the outer limits nobody reads.
_USUAL_RATE = (3.0, 7.0)
_POSSIBLE_RATE = (2.0, 9.0)

# Measured on six synthetic episodes: the right script 0.35 to 0.7, up to 1.0 with four breaths added, up to 1.4 with four pauses
# between sentences missing; another episode's script 1.4 to 2.0. No human reading was at hand. A handful of phrases says nothing.
_USUAL_MISMATCH, _HOPELESS_MISMATCH = 1.35, 2.2
_FEWEST_PHRASES = 12


_MOST_COMPARED = 60  # scripts; each takes some hundredths of a second


def resembles(own: Sequence[Phrase], others: Mapping[int, Sequence[Phrase]], speech: tuple[Span, ...]) -> int | None:
    """Return the number of the script that the pauses of a recording fit as a right one does, where its ``own`` does not fit.

    None where its own fits, no other does, or too little is said to tell.
    """
    if not speech or len(own) < _FEWEST_PHRASES or align(tuple(own), speech).mismatch <= _USUAL_MISMATCH:
        return None
    voice_s = sum(span.end_s - span.start_s for span in speech)
    rates = {number: sum(phrase.syllables for phrase in phrases) / voice_s for number, phrases in others.items()}
    likely = [
        number
        for number, phrases in others.items()
        if len(phrases) >= _FEWEST_PHRASES and _USUAL_RATE[0] <= rates[number] <= _USUAL_RATE[1]
    ]
    nearest = sorted(likely, key=lambda number: abs(rates[number] - sum(_USUAL_RATE) / 2))[:_MOST_COMPARED]
    fits = {number: align(tuple(others[number]), speech).mismatch for number in nearest}
    best = min(fits, key=lambda number: fits[number], default=None)
    return best if best is not None and fits[best] <= _USUAL_MISMATCH else None


def plausibility(phrases: tuple[Phrase, ...], alignment: Alignment) -> float:
    """Return 1 where rate and pauses are usual, 0 where nobody speaks like that, and between them a slope."""
    rate = 1 / alignment.rate_s
    slow = (rate - _POSSIBLE_RATE[0]) / (_USUAL_RATE[0] - _POSSIBLE_RATE[0])
    fast = (_POSSIBLE_RATE[1] - rate) / (_POSSIBLE_RATE[1] - _USUAL_RATE[1])
    off = (_HOPELESS_MISMATCH - alignment.mismatch) / (_HOPELESS_MISMATCH - _USUAL_MISMATCH)
    return max(0.0, min(1.0, slow, fast, off if len(phrases) >= _FEWEST_PHRASES else 1.0))


def disagreements(
    phrases: tuple[Phrase, ...], speech: tuple[Span, ...], alignment: Alignment, duration_s: float
) -> tuple[str, ...]:
    """Return what speaks against script and recording belonging together, in sentences for the staff; empty if nothing does."""
    characters = sum(1 for phrase in phrases for weight in phrase.weights if weight)
    if not speech:
        return (f"录音里没有找到人声，约 {characters} 字的字幕只能平均铺在 {duration_s:.0f} 秒里，时间不可信：请先听一听录音",)
    voice_s = sum(span.end_s - span.start_s for span in speech)
    rate = 1 / alignment.rate_s
    usual = f"合每秒 {rate:.1f} 个音节（平常 {_USUAL_RATE[0]:.0f} 到 {_USUAL_RATE[1]:.0f} 个）"
    if rate > _USUAL_RATE[1]:
        return (f"文稿约 {characters} 字，录音里只有 {voice_s:.0f} 秒人声，{usual}：可能配错了录音，或者录音没有录全",)
    if rate < _USUAL_RATE[0]:
        return (f"文稿约 {characters} 字，录音里却有 {voice_s:.0f} 秒人声，{usual}：可能配错了录音，或者文稿没有写全",)
    if len(phrases) >= _FEWEST_PHRASES and alignment.mismatch > _USUAL_MISMATCH:
        off = f"不合的程度是 {alignment.mismatch:.2f}（相配时不超过 {_USUAL_MISMATCH}）"
        return (f"录音里的停顿和文稿的标点对不上，{off}：可能配错了录音，或者念的和写的不一样，请抽查几处字幕",)
    return ()
