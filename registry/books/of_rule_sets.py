"""Rule sets in force, in SQL."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from coldchain.rules import Rule, RuleSet
from registry.books import tables
from registry.books.rows import fetched, few, insert, made, values
from registry.rule_sets import InForce, subject_of

_in_force = tables.rules_in_force.c
_rules = tables.rules.c


class SqlRuleSets:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def storage_classes(self) -> list[str]:
        own = _in_force.storage_point_id.is_(None)
        statement = select(_in_force.subject).where(own).distinct().order_by(_in_force.subject)
        return list(self._connection.execute(statement).scalars())

    def versions(self, subject: str) -> list[InForce]:
        return self.several([subject]).get(subject, [])

    def of_points(self, storage_point_ids: Sequence[str] | None = None) -> dict[str, list[InForce]]:
        points = _in_force.storage_point_id
        found = self._connection.execute(
            select(points).where(points.is_not(None)).distinct().order_by(points)
        ).scalars()
        wanted = None if storage_point_ids is None else set(storage_point_ids)
        ids = [point for point in found if wanted is None or point in wanted]
        known = self.several([subject_of(point) for point in ids])
        return {point: known[subject_of(point)] for point in ids}

    def several(self, subjects: Sequence[str]) -> dict[str, list[InForce]]:
        found: dict[str, list[InForce]] = {}
        for part in few(subjects):
            statement = select(tables.rules).where(_rules.subject.in_(part))
            rows = fetched(self._connection, statement.order_by(_rules.subject, _rules.version, _rules.number))
            rules = {
                key: tuple(_rule(row) for row in group)
                for key, group in groupby(rows, lambda row: (row["subject"], row["version"]))
            }
            statement = select(tables.rules_in_force).where(_in_force.subject.in_(part))
            for row in fetched(self._connection, statement.order_by(_in_force.subject, _in_force.since)):
                subject, version = row["subject"], row["version"]
                rule_set = RuleSet(subject, version, rules.get((subject, version), ()))
                found.setdefault(subject, []).append(made(InForce, row, rule_set=rule_set))
        return found

    def rule(self, subject: str, version: int, code: str) -> Rule | None:
        statement = select(tables.rules).where(
            _rules.subject == subject, _rules.version == version, _rules.code == code
        )
        rows = fetched(self._connection, statement)
        return _rule(rows[0]) if rows else None

    def add(self, in_force: InForce) -> None:
        key: dict[str, Any] = {"subject": in_force.subject, "version": in_force.version}
        insert(self._connection, tables.rules_in_force, [key | values(in_force, without=("rule_set",))])
        rules = enumerate(in_force.rule_set.rules)
        insert(self._connection, tables.rules, [key | {"number": number} | values(rule) for number, rule in rules])


def _rule(row: RowMapping) -> Rule:
    return made(Rule, row)
