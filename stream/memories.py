"""How the fold's memory is kept on disk: MessagePack, and nothing at all for a sensor at rest."""

import msgspec

from coldchain.judgement import AT_REST, Interval, Memory, Run, Tally

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[str, msgspec.Raw]])
_run = msgspec.msgpack.Decoder(Run)
_tally = msgspec.msgpack.Decoder(Tally)
_interval = msgspec.msgpack.Decoder(Interval)


def pack_memory(memory: Memory) -> bytes:
    if not memory.going_on:
        return b""
    return _encoder.encode([("run" if isinstance(one, Run) else "tally", one) for one in memory.going_on])


def unpack_memory(body: bytes) -> Memory:
    if not body:
        return AT_REST
    return Memory(tuple((_run if kind == "run" else _tally).decode(one) for kind, one in _decoder.decode(body)))


def pack_interval(interval: Interval) -> bytes:
    return _encoder.encode(interval)


def unpack_interval(body: bytes) -> Interval:
    return _interval.decode(body)
