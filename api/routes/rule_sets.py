"""Rule sets: by which rules the points of a storage class are judged, and from when on."""

from typing import Annotated

from fastapi import APIRouter

from api import models
from api.access import Scope, everywhere, needs
from api.routes.responses import problems
from api.shown import instant_shown
from api.tools import Tools
from coldchain.clock import SECOND
from coldchain.readings import celsius
from coldchain.rules import Rule
from registry.rule_sets import InForce

router = APIRouter(prefix="/api/v1", tags=["incidents"])


@router.get("/rule-sets", response_model=models.RuleSets, responses=problems())
def list_rule_sets(tools: Tools, scope: Annotated[Scope, needs("rules.read", everywhere)]) -> models.RuleSets:
    """All versions of all classes; they are the same everywhere. A reading is out when `value operator limit_c`."""
    with tools.books.read() as shelf:
        classes = {name: shelf.rule_sets.versions(name) for name in shelf.rule_sets.storage_classes()}
    items = []
    for versions in classes.values():
        begun = [one.version for one in versions if one.since <= scope.at]
        items += [_shown(one, in_force=one.version in begun[-1:]) for one in versions]
    return models.RuleSets(items=items, next=None)


def _shown(one: InForce, *, in_force: bool) -> models.RuleSetShown:
    return models.RuleSetShown(
        storage_class=one.storage_class,
        name=one.rule_set.name,
        version=one.version,
        since=instant_shown(one.since),
        in_force=in_force,
        rules=[_rule_shown(rule) for rule in one.rule_set.rules],
    )


def _rule_shown(rule: Rule) -> models.RuleShown:
    return models.RuleShown(
        code=rule.code,
        operator=rule.operator,
        limit_c=celsius(rule.limit),
        mode=rule.mode,
        duration_s=rule.duration / SECOND,
        window_s=None if rule.window is None else rule.window / SECOND,
        severity=rule.severity,
        sensor=rule.sensor,
        source=rule.source,
        verified=rule.verified,
    )
