"""Lines: what trunks and nodes can still carry, by their rates and their channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dialer.config import NodeConfig, TrunkConfig
from dialer.pacing import TokenBucket


@dataclass
class Trunk:
    """A trunk and what is left of its rate."""

    config: TrunkConfig
    bucket: TokenBucket


@dataclass
class Node:
    """A node and what is left of its rate."""

    config: NodeConfig
    bucket: TokenBucket


class Lines:
    """Hands out trunks for calls; a burst never exceeds a tenth of a second's calls of trunk and node."""

    def __init__(self, nodes: Iterable[NodeConfig], trunks: Iterable[TrunkConfig]) -> None:
        self._nodes = {node.name: Node(node, _bucket(node.calls_per_s)) for node in nodes}
        self._trunks = {trunk.name: Trunk(trunk, _bucket(trunk.calls_per_s)) for trunk in trunks}

    def take(self, names: Sequence[str], node: str, n: int, busy: Mapping[str, int], now: float) -> list[Trunk]:
        """Return a trunk for each of up to n calls that these trunks may carry on a node now (epoch seconds).

        `busy` counts the channels in use by trunk. The trunk named first is filled first.
        """
        place = self._nodes[node]
        granted, place.bucket = place.bucket.take(min(n, self._free(place, busy)), now)
        taken: list[Trunk] = []
        for trunk in (self._trunks[name] for name in names):
            if trunk.config.node == node:
                free = trunk.config.channels - busy.get(trunk.config.name, 0)
                calls, trunk.bucket = trunk.bucket.take(min(granted - len(taken), free), now)
                taken += [trunk] * calls
        place.bucket = place.bucket.give_back(granted - len(taken))
        return taken

    def give_back(self, trunks: Iterable[Trunk]) -> None:
        """Take back what was handed out and not used."""
        for trunk in trunks:
            trunk.bucket = trunk.bucket.give_back(1)
            node = self._nodes[trunk.config.node]
            node.bucket = node.bucket.give_back(1)

    def _free(self, place: Node, busy: Mapping[str, int]) -> int:
        mine = (name for name, trunk in self._trunks.items() if trunk.config.node == place.config.name)
        return place.config.channels - sum(busy.get(name, 0) for name in mine)


def _bucket(rate: float) -> TokenBucket:
    return TokenBucket(rate=rate, burst=max(1.0, rate / 10))
