"""A role: what a person may do, as verbs, within a place and all below it. Data: nothing is decided here."""

from typing import Literal, get_args

Role = Literal["administrator", "programme-manager", "session-planner", "cold-chain-handler", "vaccinator"]
ROLES: tuple[Role, ...] = get_args(Role)

Permission = Literal[
    "places.read",
    "places.write",
    "points.read",
    "points.write",
    "devices.read",
    "devices.write",
    "readings.read",
    "incidents.read",
    "incidents.acknowledge",
    "refusals.read",
    "refusals.release",
    "users.write",
    "import",
    "readings.import",
    "rules.read",
    "rules.write",
]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

_LOOKING: frozenset[Permission] = frozenset(
    {"places.read", "points.read", "devices.read", "readings.read", "incidents.read", "rules.read"}
)

MAY: dict[Role, frozenset[Permission]] = {
    "administrator": frozenset(PERMISSIONS),
    "programme-manager": frozenset(PERMISSIONS) - {"users.write"},
    "session-planner": _LOOKING,
    "cold-chain-handler": _LOOKING | {"incidents.acknowledge", "refusals.read", "readings.import"},
    "vaccinator": _LOOKING - {"devices.read", "rules.read"},
}
