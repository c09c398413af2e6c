"""Rule sets in force, in SQL."""

from itertools import groupby
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from coldchain.rules import Rule, RuleSet
from registry.books import tables
from registry.books.rows import fetched, insert, made, values
from registry.rule_sets import InForce

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
        statement = select(tables.rules).where(_rules.subject == subject)
        rows = fetched(self._connection, statement.order_by(_rules.version, _rules.number))
        rules = {
            version: tuple(_rule(row) for row in group)
            for version, group in groupby(rows, lambda row: int(row["version"]))
        }
        statement = select(tables.rules_in_force).where(_in_force.subject == subject)
        return [
            made(InForce, row, rule_set=RuleSet(subject, row["version"], rules.get(row["version"], ())))
            for row in fetched(self._connection, statement.order_by(_in_force.since))
        ]

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
