"""Is the system ready?  It is started, used, killed, started again, and what it did is measured.

`trial.py` does it, `checks.py` judges what was found, `report.py` writes it down.
"""

from actors.app.ready.found import Check, Trial
from actors.app.ready.report import facts, report_page
from actors.app.ready.trial import STEPS, ready

__all__ = ["STEPS", "Check", "Trial", "facts", "ready", "report_page"]
