"""Whether script and recording belong together, judged by speaking rate, length and pauses. Words are not listened to."""

from __future__ import annotations

from pipeline.captions.align import Alignment
from pipeline.captions.phrases import Break, Phrase
from pipeline.model import Span

# Syllables a second of voice, pauses left out. Reading aloud takes 3.5 to 6.5; beyond the outer limits nobody reads.
_USUAL_RATE = (3.0, 7.0)
_POSSIBLE_RATE = (2.0, 9.0)


def plausibility(alignment: Alignment) -> float:
    """Return 1 where the speaking rate is usual, 0 where nobody speaks like that, and between them a slope."""
    rate = 1 / alignment.rate_s
    slow = (rate - _POSSIBLE_RATE[0]) / (_USUAL_RATE[0] - _POSSIBLE_RATE[0])
    fast = (_POSSIBLE_RATE[1] - rate) / (_POSSIBLE_RATE[1] - _USUAL_RATE[1])
    return max(0.0, min(1.0, slow, fast))


def disagreements(
    phrases: tuple[Phrase, ...], speech: tuple[Span, ...], alignment: Alignment, duration_s: float
) -> tuple[str, ...]:
    """Return what speaks against script and recording belonging together, in sentences for the staff; empty if nothing does."""
    characters = sum(1 for phrase in phrases for weight in phrase.weights if weight)
    if not speech:
        return (f"录音里没有找到人声，约 {characters} 字的字幕只能平均铺在 {duration_s:.0f} 秒里，时间不可信：请先听一听录音",)
    voice_s = sum(span.end_s - span.start_s for span in speech)
    rate = 1 / alignment.rate_s
    said = f"文稿约 {characters} 字，录音里{{}} {voice_s:.0f} 秒人声，合每秒 {rate:.1f} 个音节（平常是 {_USUAL_RATE[0]:.0f} 到 {_USUAL_RATE[1]:.0f} 个）"
    if rate > _USUAL_RATE[1]:
        return (said.format("只有") + "：可能配错了录音，或者录音没有录全",)
    if rate < _USUAL_RATE[0]:
        return (said.format("却有") + "：可能配错了录音，或者文稿没有写全",)
    return ()
