"""
Airflow provider for driving workflow systems over HTTP.

Connections, hooks, operators and deferrable sensors; see the package's README.
"""

from __future__ import annotations

__version__ = "0.1.0"
