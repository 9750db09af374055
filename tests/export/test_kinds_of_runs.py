"""Every kind of run is exported to every format, or refused with a reason."""

from __future__ import annotations
