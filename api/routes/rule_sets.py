"""Rule sets: by which rules the points of a storage class, or one point, are judged, and from when on."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path

from api import models
from api.access import Found, Scope, everywhere, needs, of_storage_point
from api.instants import instant_of
from api.routes.people import place_ref
from api.routes.responses import problems
from api.rule_preview import Judged, Proposal, preview
from api.scoped import points_in, top_path
from api.shown import instant_shown
from api.tools import Desk, Tools
from coldchain.clock import SECOND, iso
from coldchain.judgement.interval import as_shown, minutes
from coldchain.readings import celsius
from coldchain.rules import Rule, RuleSet, rules_of
from registry import rule_sets, storage_points, users
from registry.excursions import SWITCHED, Side, side_of
from registry.places import Place
from registry.rule_sets import InForce, NoSuchRules
from registry.storage_points import StoragePoint

router = APIRouter(prefix="/api/v1", tags=["incidents"])

ClassName = Annotated[str, Path(max_length=40, examples=["refrigerator"])]
PointId = Annotated[str, Path(max_length=64)]

MOST_INTERVALS = 50
"""So many of a point's intervals a preview shows; it counts all."""


class Shelf(storage_points.Shelf, users.Shelf, Protocol):
    """Rules, the points that have some of their own, and who set them."""


def _whole_programme(tools: Tools) -> Found:
    """A class's rules hold everywhere: who edits them must be permitted to at the top."""
    return Found((top_path(tools.books),), "a class's rules are the whole programme's", is_no_secret=True)


@router.get("/rule-sets", response_model=models.RuleSets, responses=problems())
def list_rule_sets(tools: Tools, scope: Annotated[Scope, needs("rules.read", everywhere)]) -> models.RuleSets:
    """All versions of all classes, the same everywhere, then those of points with rules of their own that you may see.

    A reading is out when `value operator limit_c`.
    """
    with tools.books.read() as shelf:
        versions = [one for name in shelf.rule_sets.storage_classes() for one in shelf.rule_sets.versions(name)]
        points, _ = _seen(shelf, list(shelf.rule_sets.of_points()), scope)
        own = shelf.rule_sets.of_points(list(points))
        versions += [one for point_id in points for one in own[point_id]]
        items = _shown(shelf, versions, scope, points)
    return models.RuleSets(items=items, next=None)


@router.post(
    "/rule-sets/{storage_class}/versions",
    response_model=models.RuleSetShown,
    status_code=201,
    responses=problems(404, 409),
)
def edit_class(
    tools: Tools,
    scope: Annotated[Scope, needs("rules.write", _whole_programme)],
    storage_class: ClassName,
    asked: models.NewRules,
) -> models.RuleSetShown:
    """The class's next version, from an instant on, at most 31 days ago. The judge judges anew from there."""
    with tools.books.begin() as shelf:
        put = rule_sets.put_in_force(
            shelf, storage_class, _rules(asked.rules), _since(asked.from_, scope), scope.at, scope.asker.user.user_id
        )
        shown = _just_put(shelf, put, scope)
    tools.written()
    return shown


@router.post("/rule-sets/{storage_class}/preview", response_model=models.RulePreview, responses=problems(404))
def preview_class(
    tools: Tools,
    scope: Annotated[Scope, needs("rules.write", everywhere)],
    storage_class: ClassName,
    asked: models.ProposedRules,
) -> models.RulePreview:
    """What the last 30 days would have given at the points of the class that you may see. Nothing is changed."""
    rules = _checked(asked.rules)
    with tools.books.read() as shelf:
        if storage_class not in shelf.rule_sets.storage_classes():
            raise NoSuchRules(f"{storage_class!r} is no storage class that rules are known for")
        points = points_in(shelf, scope.paths)
    return _previewed(tools, Proposal(storage_class, RuleSet(storage_class, 0, rules)), points, scope)


@router.post(
    "/storage-points/{storage_point_id}/rules",
    response_model=models.RuleSetShown,
    status_code=201,
    responses=problems(404, 409),
)
def override(
    tools: Tools,
    scope: Annotated[Scope, needs("rules.write", of_storage_point)],
    storage_point_id: PointId,
    asked: models.NewRules,
) -> models.RuleSetShown:
    """Rules of this point alone, instead of its class's, from an instant on; the judge judges anew from there."""
    since, rules = _since(asked.from_, scope), _rules(asked.rules)
    return _put(
        tools,
        scope,
        storage_point_id,
        lambda shelf, point, by: rule_sets.override(
            shelf, point.storage_point_id, point.storage_class, rules, since, scope.at, by
        ),
    )


@router.post(
    "/storage-points/{storage_point_id}/rules/class-again",
    response_model=models.RuleSetShown,
    status_code=201,
    responses=problems(404, 409),
)
def follow_class_again(
    tools: Tools,
    scope: Annotated[Scope, needs("rules.write", of_storage_point)],
    storage_point_id: PointId,
    asked: models.ClassAgain,
) -> models.RuleSetShown:
    """From an instant on the point is judged by its class again."""
    since = _since(asked.from_, scope)
    return _put(
        tools,
        scope,
        storage_point_id,
        lambda shelf, point, by: rule_sets.follow_class_again(
            shelf, point.storage_point_id, point.storage_class, since, scope.at, by
        ),
    )


@router.post(
    "/storage-points/{storage_point_id}/rules/preview", response_model=models.RulePreview, responses=problems(404)
)
def preview_point(
    tools: Tools,
    scope: Annotated[Scope, needs("rules.write", of_storage_point)],
    storage_point_id: PointId,
    asked: models.PointProposal,
) -> models.RulePreview:
    """What the last 30 days would have given at this point; without rules, what its class's would. Changes nothing."""
    with tools.books.read() as shelf:
        point = storage_points.of_now(shelf, storage_point_id)
    subject = rule_sets.subject_of(storage_point_id)
    rules = None if asked.rules is None else RuleSet(subject, 0, _checked(asked.rules))
    return _previewed(tools, Proposal(point.storage_class, rules, storage_point_id), [point], scope)


def _put(
    tools: Desk, scope: Scope, storage_point_id: str, put: Callable[[Shelf, StoragePoint, str], InForce]
) -> models.RuleSetShown:
    with tools.books.begin() as shelf:
        point = storage_points.of_now(shelf, storage_point_id)
        shown = _just_put(shelf, put(shelf, point, scope.asker.user.user_id), scope)
    tools.written()
    return shown


def _since(asked: str | None, scope: Scope) -> int:
    return scope.at if asked is None else instant_of(asked, "from")


# What is asked


def _rules(asked: Sequence[models.NewRule]) -> tuple[Rule, ...]:
    """Through the parser of rules files. Raises coldchain.rules.BadRules."""
    return rules_of([_row(one) for one in asked], "rules")


def _checked(asked: Sequence[models.NewRule]) -> tuple[Rule, ...]:
    rules = _rules(asked)
    rule_sets.checked(rules)
    return rules


def _row(one: models.NewRule) -> dict[str, Any]:
    told = {key: value for key, value in one.model_dump().items() if value is not None}
    return {key: Decimal(repr(value)) if isinstance(value, float) else value for key, value in told.items()}


# How it is shown


def _seen(shelf: Shelf, point_ids: Sequence[str], scope: Scope) -> tuple[dict[str, StoragePoint], dict[str, Place]]:
    """Those of the points that lie in the scope, by name; and their places."""
    points = shelf.storage_points.several(point_ids)
    places = shelf.places.several(sorted({point.place_id for point in points.values()}))
    inside = [point for point in points.values() if scope.covers(places[point.place_id].path)]
    return {
        one.storage_point_id: one for one in sorted(inside, key=lambda one: (one.name, one.storage_point_id))
    }, places


def _just_put(shelf: Shelf, put: InForce, scope: Scope) -> models.RuleSetShown:
    points = {} if put.storage_point_id is None else shelf.storage_points.several([put.storage_point_id])
    shown = _shown(shelf, shelf.rule_sets.versions(put.subject), scope, points)
    return next(one for one in shown if one.version == put.version)


def _shown(
    shelf: Shelf, versions: Sequence[InForce], scope: Scope, points: dict[str, StoragePoint]
) -> list[models.RuleSetShown]:
    """Versions of several subjects, each subject's together and in order of time."""
    following = {
        (one.subject, one.version): other.since for one, other in pairwise(versions) if one.subject == other.subject
    }
    names = shelf.users.several(sorted({one.set_by for one in versions if one.set_by is not None}))
    may_edit = _editable(shelf, scope, points)
    is_manager = bool(users.paths_permitted(scope.asker.user, "rules.write", scope.at))
    shown = []
    for one in versions:
        is_told = is_manager if one.storage_point_id is None else may_edit(one)
        writer = names.get(one.set_by or "") if is_told else None
        until = following.get((one.subject, one.version))
        set_by = None if writer is None else writer.username
        shown.append(_one_shown(one, until, scope.at, points, set_by, may_edit=may_edit(one)))
    return shown


def _editable(shelf: Shelf, scope: Scope, points: dict[str, StoragePoint]) -> Callable[[InForce], bool]:
    """Whether the asker may put the next version in force: of a class at the top, of a point in its place."""
    top = shelf.places.top()
    places = shelf.places.several(sorted({point.place_id for point in points.values()}))
    paths = {key: places[point.place_id].path for key, point in points.items()}

    def may_edit(one: InForce) -> bool:
        path = paths.get(one.storage_point_id or "", "" if top is None else top.path)
        return users.permits(scope.asker.user, "rules.write", path, scope.at)

    return may_edit


def _one_shown(
    one: InForce, until: int | None, at: int, points: dict[str, StoragePoint], set_by: str | None, *, may_edit: bool
) -> models.RuleSetShown:
    point = None if one.storage_point_id is None else points[one.storage_point_id]
    return models.RuleSetShown(
        storage_class=one.storage_class,
        storage_point=None if point is None else models.PointRef(id=point.storage_point_id, name=point.name),
        name=one.rule_set.name,
        version=one.version,
        since=instant_shown(one.since),
        until=instant_shown(until),
        in_force=one.since <= at and (until is None or at < until),
        is_class_again=one.is_class_again,
        known_at=iso(one.known_at),
        set_by=set_by,
        may_edit=may_edit,
        rules=[_rule_shown(rule) for rule in one.rule_set.rules],
    )


def _rule_shown(rule: Rule) -> models.RuleShown:
    is_temperature = rule.quantity == "temperature"
    return models.RuleShown(
        code=rule.code,
        quantity=rule.quantity,
        operator=rule.operator,
        limit_c=celsius(rule.limit) if is_temperature else None,
        limit=None if is_temperature else celsius(rule.limit),
        mode=rule.mode,
        duration_s=rule.duration / SECOND,
        window_s=None if rule.window is None else rule.window / SECOND,
        severity=rule.severity,
        sensor=rule.sensor,
        source=rule.source,
        verified=rule.verified,
    )


# What would have been


def _previewed(tools: Desk, proposal: Proposal, points: Sequence[StoragePoint], scope: Scope) -> models.RulePreview:
    told = preview(tools.history, proposal, points, scope.at)
    with tools.books.read() as shelf:
        places = shelf.places.several(sorted({one.point.place_id for one in told.compared}))
        sides = _Sides(shelf, proposal)
        items = [
            models.PreviewedPoint(
                storage_point=models.IncidentPoint(
                    id=one.point.storage_point_id, name=one.point.name, place=place_ref(places[one.point.place_id])
                ),
                has_own_rules=one.has_own_rules,
                now=_rules_previewed(one.now, sides),
                proposed=_rules_previewed(one.proposed, sides),
            )
            for one in told.compared
        ]
    return models.RulePreview(
        from_=iso(told.since),
        to=iso(told.until),
        now=_sum([one.now for one in items]),
        proposed=_sum([one.proposed for one in items]),
        items=items,
        left=told.left,
    )


class _Sides:
    """Which way an interval of a preview is out: by the proposed rules, which the books do not have, or by theirs."""

    def __init__(self, shelf: Shelf, proposal: Proposal) -> None:
        self._shelf = shelf
        rules = () if proposal.rule_set is None else proposal.rule_set.rules
        name = "" if proposal.rule_set is None else proposal.rule_set.name
        self._known: dict[tuple[str, int, str], Side] = {
            (name, 0, rule.code): side_of(rule, rule.code) for rule in rules
        }

    def of(self, one: Judged) -> Side:
        key = (one.interval.rule_set, one.interval.rule_version, one.interval.code)
        if key not in self._known:
            self._known[key] = side_of(self._shelf.rule_sets.rule(*key), key[2])
        return self._known[key]


def _rules_previewed(judged: Sequence[Judged], sides: _Sides) -> models.PreviewedRules:
    alarms = [one for one in judged if one.interval.severity == "alarm"]
    return models.PreviewedRules(
        alarms=len(alarms),
        warnings=len(judged) - len(alarms),
        minutes_out=round(sum(minutes(one.interval.out) for one in judged), 3),
        intervals=[_interval_shown(one, sides.of(one)) for one in reversed(judged[-MOST_INTERVALS:])],
    )


def _interval_shown(one: Judged, side: Side) -> models.PreviewedInterval:
    told: dict[str, Any] = as_shown(one.interval)
    if side in SWITCHED:
        told["extreme_c"] = None
    return models.PreviewedInterval(device_id=one.device_id, sensor=one.channel, kind=side, **told)


def _sum(those: Sequence[models.PreviewedRules]) -> models.PreviewedSum:
    return models.PreviewedSum(alarms=sum(one.alarms for one in those), warnings=sum(one.warnings for one in those))
