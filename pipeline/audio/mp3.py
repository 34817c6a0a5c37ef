"""MP3 streams taken apart into frames and put together again: from parts that were encoded side by side, without a gap.

All parts lie on one grid of frames: a part starts some frames early and ends some frames late, and at a frame that both
neighbours hold, one takes over from the other. What makes that exact: both encoders saw the same sound on the same grid, so
frames of the same number stand for the same samples. A frame's data may begin in earlier frames (the bit reservoir); so data and
frames are separated, and the data is laid out anew.

A mono sound is encoded as mono, which takes half as long, and its frames are rewritten as joint stereo: what was the one channel
becomes the sum (M), √2 louder because decoders divide by it, and the difference (S) is empty. Both channels decode to the same
samples as the mono stream.

Constant bit rate, MPEG-1 Layer III at 44.1 kHz, no CRC. Source: ISO/IEC 11172-3, 2.4.1, 2.4.2 and 2.4.3.4; for the length header
LAME's "MP3 Info Tag" revision 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastcrc import crc16

FRAME_SAMPLES = 1152
"""Samples of each channel in a frame."""

ENCODER_DELAY_SAMPLES = 576
"""How much later LAME's frames are than what they were made from."""

DECODER_DELAY_SAMPLES = 529
"""How much later a decoder's samples are than its frames; where a length header tells both delays, decoders take them away."""

LEAD_FRAMES = 30
"""How many frames a part starts before and ends after its own stretch: 0.8 s, in which the second encoder settles."""

_SETTLED_FRAMES = 12  # its psychoacoustic model looks back no further than this
_BITRATES_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_SAMPLE_RATE_HZ = 44_100
_HEADER_BYTES = 4
_SIDE_BYTES = {1: 17, 2: 32}
_MOST_RESERVOIR_BYTES = 511
_MODE_MONO, _MODE_JOINT_WITH_SUM_AND_DIFFERENCE = 0b11, 0b0110

# A granule's 59 bits of side information, from the left: length of its data 12, big values 9, gain 8, compression of scale
# factors 4, whether its window is unusual 1, which 2, and 23 more.
_GRANULE_BITS, _GRANULE = 59, (1 << 59) - 1
_LENGTH_SHIFT, _LENGTH = 47, 0xFFF
_GAIN_SHIFT = 30
_EMPTY_KEEPS = 0xFF << _GAIN_SHIFT | (1 << 26) - 1
_WINDOW_SHIFT = 23
_ROOT_TWO_GAIN = 2  # in steps of 2^(1/4)

_TOC_ENTRIES = 100


class CannotJoin(Exception):  # noqa: N818  (no error of anybody's: the caller encodes in one part instead)
    """Two parts share no frame at which one can take over from the other."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame without its place: header, side information behind the pointer to the data, the data, and how early it began."""

    header: int
    side: int
    data: bytes
    reservoir_bytes: int

    def last_windows(self) -> tuple[int, int]:
        """Return the kind of window at the frame's end in both channels, 0 for the usual one."""
        return _window(self.side >> _GRANULE_BITS), _window(self.side)


def _window(granule: int) -> int:
    unusual_and_kind = granule >> _WINDOW_SHIFT & 0b111
    return unusual_and_kind & 0b11 if unusual_and_kind & 0b100 else 0


def mono_bitrate_kbps(bitrate_kbps: int) -> int:
    """Return the rate to encode a mono sound at, so that its data fits into joint stereo frames at ``bitrate_kbps``."""
    return _BITRATES_KBPS[_BITRATES_KBPS.index(bitrate_kbps) - 1]


def take_apart(content: bytes) -> list[Frame]:
    """Return the frames of an encoder's stream that has no header frame; those of a mono stream as joint stereo."""
    frames: list[tuple[int, int, int, int]] = []
    slots, at, slot_start = [], 0, 0
    while at + _HEADER_BYTES <= len(content):
        header = int.from_bytes(content[at : at + _HEADER_BYTES], "big")
        size = _frame_bytes(header)
        channels = 1 if header >> 6 & 0b11 == _MODE_MONO else 2
        body = at + _HEADER_BYTES + _SIDE_BYTES[channels]
        frames.append((header, channels, int.from_bytes(content[at + _HEADER_BYTES : body], "big"), slot_start))
        slots.append(content[body : at + size])
        slot_start += at + size - body
        at += size
    stream = b"".join(slots)
    return [_frame(stream, *each) for each in frames]


def _frame(stream: bytes, header: int, channels: int, side: int, slot_start: int) -> Frame:
    reservoir = side >> 8 * _SIDE_BYTES[channels] - 9
    granules = [side >> _GRANULE_BITS * index & _GRANULE for index in reversed(range(2 * channels))]
    size = (sum(each >> _LENGTH_SHIFT for each in granules) + 7) // 8
    begin = slot_start - reservoir
    data = stream[begin : begin + size]
    if channels == 1:
        shared = side >> 2 * _GRANULE_BITS & 0xF  # which scale factors the second granule takes over
        granules = [made for each in granules for made in (each + (_ROOT_TWO_GAIN << _GAIN_SHIFT), each & _EMPTY_KEEPS)]
        side = shared << 4
        for each in granules:
            side = side << _GRANULE_BITS | each
    else:
        side &= (1 << 8 * _SIDE_BYTES[2] - 9) - 1
    return Frame(header=header, side=side, data=data, reservoir_bytes=reservoir)


def join(parts: Iterable[tuple[int, int, list[Frame]]], bitrate_kbps: int) -> Iterator[bytes]:
    """Yield the whole stream, a part at a time. With a part come its first frame's number and the number from which it is wanted.

    Raises:
        CannotJoin: two neighbours share no frame at which one can take over.
    """
    layout = _Layout(bitrate_kbps)
    earlier: list[Frame] = []
    earlier_first, number = 0, 0
    for first, wanted, frames in parts:
        while number < earlier_first + len(earlier):
            if number >= max(wanted, first + _SETTLED_FRAMES) and layout.has_room_for(frames[number - first]):
                # Overlapping windows must fit: so the frame before has to end in windows of the same kind in both streams.
                before = earlier[number - earlier_first - 1], frames[number - first - 1]
                if before[0].last_windows() == before[1].last_windows():
                    break
            layout.add(earlier[number - earlier_first])
            number += 1
        else:
            if earlier:
                raise CannotJoin
        earlier, earlier_first = frames, first
        yield layout.finished()
    for frame in earlier[number - earlier_first :]:
        layout.add(frame)
    yield layout.finished(to_the_end=True)


class _Layout:
    """Lays frames out one after another, each one's data as early as it may lie, so that room is left for the others."""

    def __init__(self, bitrate_kbps: int) -> None:
        self._rate_bits = _BITRATES_KBPS.index(bitrate_kbps) << 12
        self._paid = 0  # what the frames so far have lost by rounding, in 1/44100 of a byte
        self._slots = bytearray()
        self._slots_begin, self._slots_end = (
            0,
            0,
        )  # in the stream of data: from where on ``_slots`` holds it, and how far slots reach
        self._waiting: list[tuple[bytes, int]] = []

    def has_room_for(self, frame: Frame) -> bool:
        """Tell whether a frame's data can begin as early as its encoder relied on."""
        return self._slots_end - self._data_end >= frame.reservoir_bytes

    def add(self, frame: Frame) -> None:
        begin = max(self._data_end, self._slots_end - _MOST_RESERVOIR_BYTES)
        header = self._header(frame.header)
        slot_bytes = _frame_bytes(header) - _HEADER_BYTES - _SIDE_BYTES[2]
        if begin > self._slots_end or begin + len(frame.data) > self._slots_end + slot_bytes:
            raise CannotJoin
        side = (self._slots_end - begin) << 8 * _SIDE_BYTES[2] - 9 | frame.side
        self._waiting.append((header.to_bytes(_HEADER_BYTES, "big") + side.to_bytes(_SIDE_BYTES[2], "big"), slot_bytes))
        self._slots += bytes(begin - self._data_end)
        self._slots += frame.data
        self._slots_end += slot_bytes

    def finished(self, *, to_the_end: bool = False) -> bytes:
        """Return the frames that nothing can change any more."""
        if to_the_end:
            self._slots += bytes(self._slots_end - self._data_end)
        done: list[bytes | bytearray] = []
        used = 0
        while self._waiting and used + self._waiting[0][1] <= len(self._slots):
            head, slot_bytes = self._waiting.pop(0)
            done += [head, self._slots[used : used + slot_bytes]]
            used += slot_bytes
        del self._slots[:used]
        self._slots_begin += used
        return b"".join(done)

    @property
    def _data_end(self) -> int:
        return self._slots_begin + len(self._slots)

    def _header(self, header: int) -> int:
        """Return a frame's header; one of a mono frame as joint stereo at our bit rate, padded so that the rate is met."""
        if header >> 6 & 0b11 != _MODE_MONO:
            return header
        header = header & ~(0xF << 12 | 1 << 9 | 0xF0) | self._rate_bits | _MODE_JOINT_WITH_SUM_AND_DIFFERENCE << 4
        self._paid += 144 * 1000 * _BITRATES_KBPS[header >> 12 & 0xF] % _SAMPLE_RATE_HZ
        if self._paid < _SAMPLE_RATE_HZ:
            return header
        self._paid -= _SAMPLE_RATE_HZ
        return header | 1 << 9


def info_frame(*, bitrate_kbps: int, frames: int, content_bytes: int, content_crc: int, samples: int) -> bytes:
    """Return the header frame that tells players the length; older ones play it as silence.

    ``frames`` and ``content_bytes`` are those of the frames that follow, ``content_crc`` is theirs (``crc``), and ``samples`` is
    what shall be heard: players cut the encoder's delay at the start and its padding at the end.
    """
    header = 0xFFFB0000 | _BITRATES_KBPS.index(bitrate_kbps) << 12 | 0b01 << 6
    size = _frame_bytes(header)
    padding = max(frames * FRAME_SAMPLES - ENCODER_DELAY_SAMPLES - samples, 0)
    everything = b"".join(
        [
            *(header.to_bytes(_HEADER_BYTES, "big"), bytes(_SIDE_BYTES[2])),
            *(b"Info", (0b1111).to_bytes(4, "big"), frames.to_bytes(4, "big"), (size + content_bytes).to_bytes(4, "big")),
            bytes(256 * percent // _TOC_ENTRIES for percent in range(_TOC_ENTRIES)),
            bytes(4),  # quality: not said
            *(b"LAME3.100", b"\x01"),  # the version that players trust with the delays below; revision 0, constant bit rate
            bytes(10),  # low-pass, replay gain, flags: not said
            min(bitrate_kbps, 255).to_bytes(1, "big"),
            (ENCODER_DELAY_SAMPLES << 12 | padding).to_bytes(3, "big"),
            bytes(4),  # source, gain, preset: not said
            *((size + content_bytes).to_bytes(4, "big"), content_crc.to_bytes(2, "big")),
        ]
    )
    return (everything + crc(everything).to_bytes(2, "big")).ljust(size, b"\0")


def crc(content: bytes, before: int = 0) -> int:
    """Return the CRC-16 of ``content``, carried on from ``before``."""
    return crc16.arc(content, before)


def count_frames(content: bytes) -> int:
    """Return how many frames a stream has."""
    count, at = 0, 0
    while at + _HEADER_BYTES <= len(content):
        at += _frame_bytes(int.from_bytes(content[at : at + _HEADER_BYTES], "big"))
        count += 1
    return count


def _frame_bytes(header: int) -> int:
    return 144 * 1000 * _BITRATES_KBPS[header >> 12 & 0xF] // _SAMPLE_RATE_HZ + (header >> 9 & 1)
