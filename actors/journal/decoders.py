"""Decoders at hand, for whoever reads many events: a type and a version are looked up, not asked.

What they do not know (an older version, an unknown type) is left to `actors.journal.codec.decode`.
"""

from __future__ import annotations

from actors.journal.codec import Decoder, decoder
from actors.journal.upcasters import version_of


class Decoders(dict[tuple[str | bytes, int], Decoder]):
    """(type, version) -> what reads its data; the type is text, or the bytes of it."""

    def __missing__(self, key: tuple[str | bytes, int]) -> Decoder:
        """Add the decoder of a type as it is written today.

        Raises:
            LookupError: There is none: it is older, or unknown.
            ValueError: The type is no text.
        """
        name, version = key
        kind = name.decode() if isinstance(name, bytes) else name
        if version != version_of(kind):
            raise LookupError(key)
        return self.setdefault(key, decoder(kind))
