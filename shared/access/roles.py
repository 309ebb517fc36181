"""Roles. Each includes those before it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a principal may do."""

    VIEWER = "viewer"  # reads
    EDITOR = "editor"  # changes the stock
    ADMIN = "admin"  # manages accounts

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)
