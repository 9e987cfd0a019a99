"""The soak: thousands of short lives of the allocator, with every fault a seed can think of."""

from actors.app.soak.runner import CHUNK, Report, reproduce, soak
from actors.app.soak.scenarios import SCENARIOS, Outcome, run_seed

__all__ = ["CHUNK", "SCENARIOS", "Outcome", "Report", "reproduce", "run_seed", "soak"]
