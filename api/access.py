"""Who may: every route says which permission it needs and how the place is found that it is needed for.

What lies outside everything that somebody holds a role for does not exist for them: 404, in the same words as for what
was never there. Where they may look and not touch, it is 403.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Forbidden
from api.tools import Tools
from coldchain.errors import NotFound
from registry import users
from registry.roles import Permission
from registry.users import NotSignedIn, User


@dataclass(frozen=True, slots=True)
class Access:
    """What a route declares. `permission` None: open to all, for the reason given as `place`."""

    permission: Permission | None
    place: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever holds the token that came with the request, at the instant (ms UTC) at which it came."""

    user: User
    token: str
    expires_at: int
    at: int

    def knows_of(self, path: str) -> bool:
        """Whether any of the roles reaches there."""
        return any(one.path and path.startswith(one.path) for one in self.user.roles_at(self.at))


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the asker may do what the route needs: whole subtrees, each by its path."""

    asker: Asker
    paths: tuple[str, ...]

    @property
    def at(self) -> int:
        return self.asker.at

    def covers(self, path: str) -> bool:
        return path.startswith(self.paths)


@dataclass(frozen=True, slots=True)
class Found:
    """Where that lies which was asked about: one path of it suffices. None: it is nowhere, or does not exist.

    `missing` is said of both. `is_no_secret`: whoever may not do it may know that it exists.
    """

    paths: tuple[str, ...]
    missing: str
    narrows: bool = False
    is_no_secret: bool = False


_bearer = HTTPBearer(auto_error=False, description="the token from `/api/v1/sign-in`")


def signed_in(tools: Tools, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Asker:
    """Raises NotSignedIn."""
    if credentials is None:
        raise NotSignedIn("sign in first, and send the token as Authorization: Bearer TOKEN")
    at = tools.clock()
    user, expires_at = users.who(tools.books, credentials.credentials, at)
    return Asker(user, credentials.credentials, expires_at, at)


_declared: dict[Callable[..., Any], Access] = {}


def needs(permission: Permission, find: Callable[..., Found | None]) -> Any:
    """The dependency by which a route declares what it needs, and where; gives the Scope.

    `find` is a dependency itself. It gives None for lists, which then hold what lies in the scope.
    """

    def enter(asker: Annotated[Asker, Depends(signed_in)], found: Annotated[Found | None, Depends(find)]) -> Scope:
        paths = tuple(users.paths_permitted(asker.user, permission, asker.at))
        scope = Scope(asker, paths)
        if found is not None and not any(scope.covers(path) for path in found.paths):
            if found.is_no_secret or any(asker.knows_of(path) for path in found.paths):
                raise Forbidden(f"your role does not include {permission} there")
            raise NotFound(found.missing)
        if not paths:
            raise Forbidden(f"your role does not include {permission}")
        return Scope(asker, found.paths) if found is not None and found.narrows else scope

    _declared[enter] = Access(permission, find.__name__.strip("_"))
    return Depends(enter)


def open_to_all(why: str) -> Any:
    """The dependency by which a route declares that nobody need sign in for it."""

    def enter() -> None:
        return None

    _declared[enter] = Access(None, why)
    return Depends(enter)


def signed_in_only(why: str) -> Any:
    """For what concerns nobody but the asker; gives the Asker."""

    def enter(asker: Annotated[Asker, Depends(signed_in)]) -> Asker:
        return asker

    _declared[enter] = Access(None, why)
    return Depends(enter)


def declared_by(dependant: Dependant) -> Access | None:
    """What a route with these dependencies declares."""
    for one in dependant.dependencies:
        access = _declared.get(one.call) if one.call is not None else None
        if access is not None:
            return access
    return None


# How the place is found


def everywhere() -> None:
    """A list: whatever lies in the scope."""
    return


PlaceQuery = Annotated[str | None, Query(max_length=64, description="the id of a place: it and all below it")]


def within_place(tools: Tools, place: PlaceQuery = None) -> Found | None:
    """A list, of one place and all below it where `?place=` names one."""
    if place is None:
        return None
    with tools.books.read() as shelf:
        known = shelf.places.several([place]).get(place)
    return Found((known.path,) if known else (), f"there is no place {place}", narrows=True)


def of_storage_point(tools: Tools, storage_point_id: Annotated[str, Path(max_length=64)]) -> Found:
    return storage_point_found(tools, storage_point_id)


def storage_point_found(tools: Tools, storage_point_id: str) -> Found:
    missing = f"there is no storage point {storage_point_id}"
    with tools.books.read() as shelf:
        point = shelf.storage_points.several([storage_point_id]).get(storage_point_id)
        if point is None:
            return Found((), missing)
        return Found((shelf.places.get(point.place_id).path,), missing)


def of_device(tools: Tools, device_id: Annotated[str, Path(max_length=64)]) -> Found:
    return device_found(tools, device_id)


def device_found(tools: Tools, device_id: str) -> Found:
    missing = f"there is no device {device_id}"
    with tools.books.read() as shelf:
        device = shelf.devices.several([device_id]).get(device_id)
        if device is None:
            return Found((), missing)
        return Found((shelf.places.get(device.place_id).path,), missing)
