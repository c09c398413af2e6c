"""The books as they began."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915  (one statement a table)
    op.create_table(
        "announcements",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_announcements")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_last_at"), "attempts", ["last_at"], unique=False)
    op.create_table(
        "equipment",
        sa.Column("equipment_id", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("storage_class", sa.Text(), nullable=False),
        sa.Column("net_millilitres", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("equipment_id", name=op.f("pk_equipment")),
    )
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("client_id", name=op.f("uq_evidence_client_id")),
        sa.UniqueConstraint(
            "kind", "digest", "subject", "happened_at", name=op.f("uq_evidence_kind_digest_subject_happened_at")
        ),
    )
    op.create_index(op.f("ix_evidence_subject_happened_at"), "evidence", ["subject", "happened_at"], unique=False)
    op.create_table(
        "identifiers",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "value", name=op.f("pk_identifiers")),
    )
    op.create_index(op.f("ix_identifiers_subject_subject_id"), "identifiers", ["subject", "subject_id"], unique=False)
    op.create_table(
        "places",
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("path", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["places.place_id"], name=op.f("fk_places_parent_id")),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_places")),
        sa.UniqueConstraint("path", name=op.f("uq_places_path")),
    )
    op.create_index(op.f("ix_places_parent_id"), "places", ["parent_id"], unique=False)
    op.create_index(op.f("ix_places_sort_name_place_id"), "places", ["sort_name", "place_id"], unique=False)
    op.create_table(
        "positions",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("follower", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "follower", name=op.f("pk_positions")),
    )
    op.create_table(
        "rules",
        sa.Column("storage_class", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=True),
        sa.Column("sensor", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("verified", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("storage_class", "version", "code", name=op.f("pk_rules")),
    )
    op.create_table(
        "rules_in_force",
        sa.Column("storage_class", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("storage_class", "version", name=op.f("pk_rules_in_force")),
        sa.UniqueConstraint("storage_class", "since", name=op.f("uq_rules_in_force_storage_class_since")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
    )
    op.create_index(
        "uq_users_living_name",
        "users",
        ["folded_name"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "conditions",
        sa.Column("in_condition_id", sa.Text(), nullable=False),
        sa.Column("equipment_id", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.equipment_id"], name=op.f("fk_conditions_equipment_id")),
        sa.PrimaryKeyConstraint("in_condition_id", name=op.f("pk_conditions")),
        sa.UniqueConstraint("equipment_id", "since", name=op.f("uq_conditions_equipment_id_since")),
    )
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_contacts_user_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "devices",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("wished_interval", sa.BigInteger(), nullable=True),
        sa.Column("low", sa.Integer(), nullable=True),
        sa.Column("high", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_devices_place_id")),
        sa.ForeignKeyConstraint(["replaces"], ["devices.device_id"], name=op.f("fk_devices_replaces")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_place_id"), "devices", ["place_id"], unique=False)
    op.create_table(
        "facilities",
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("contingency_place_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contingency_place_id"], ["places.place_id"], name=op.f("fk_facilities_contingency_place_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_facilities_place_id")),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_facilities")),
    )
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["users.user_id"], name=op.f("fk_incidents_acknowledged_by")),
        sa.ForeignKeyConstraint(["merged_into"], ["incidents.incident_id"], name=op.f("fk_incidents_merged_into")),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_incidents_place_id")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("cause", name=op.f("uq_incidents_cause")),
        sa.UniqueConstraint("change", name=op.f("uq_incidents_change")),
    )
    op.create_index(op.f("ix_incidents_place_id"), "incidents", ["place_id"], unique=False)
    op.create_index(
        op.f("ix_incidents_started_at_incident_id"), "incidents", ["started_at", "incident_id"], unique=False
    )
    op.create_index(op.f("ix_incidents_state_started_at"), "incidents", ["state", "started_at"], unique=False)
    op.create_table(
        "lyings",
        sa.Column("lying_id", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["places.place_id"], name=op.f("fk_lyings_parent_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_lyings_place_id")),
        sa.PrimaryKeyConstraint("lying_id", name=op.f("pk_lyings")),
        sa.UniqueConstraint("place_id", "since", name=op.f("uq_lyings_place_id_since")),
    )
    op.create_table(
        "memberships",
        sa.Column("membership_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_memberships_place_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("membership_id", name=op.f("pk_memberships")),
        sa.UniqueConstraint(
            "user_id", "role", "place_id", "since", name=op.f("uq_memberships_user_id_role_place_id_since")
        ),
    )
    op.create_index(op.f("ix_memberships_place_id"), "memberships", ["place_id"], unique=False)
    op.create_table(
        "place_names",
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_place_names_place_id")),
        sa.PrimaryKeyConstraint("place_id", "language", name=op.f("pk_place_names")),
    )
    op.create_index(op.f("ix_place_names_name"), "place_names", ["name"], unique=False)
    op.create_table(
        "storage_points",
        sa.Column("storage_point_id", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("storage_class", sa.Text(), nullable=False),
        sa.Column("is_mobile", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_storage_points_place_id")),
        sa.PrimaryKeyConstraint("storage_point_id", name=op.f("pk_storage_points")),
    )
    op.create_index(
        op.f("ix_storage_points_name_storage_point_id"), "storage_points", ["name", "storage_point_id"], unique=False
    )
    op.create_index(
        "uq_storage_points_living_name",
        "storage_points",
        ["place_id", "name"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_expires_at"), "tokens", ["expires_at"], unique=False)
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.contact_id"], name=op.f("fk_alerts_contact_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"], name=op.f("fk_alerts_incident_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("incident_id", "contact_id", "step", name=op.f("uq_alerts_incident_id_contact_id_step")),
    )
    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("offset", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_corrections_device_id")),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_corrections")),
    )
    op.create_index(
        op.f("ix_corrections_device_id_channel_since"), "corrections", ["device_id", "channel", "since"], unique=False
    )
    op.create_table(
        "declared_intervals",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("interval", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("outbox_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_declared_intervals_device_id")),
        sa.PrimaryKeyConstraint("device_id", "since", name=op.f("pk_declared_intervals")),
    )
    op.create_table(
        "duties",
        sa.Column("duty_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.contact_id"], name=op.f("fk_duties_contact_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.place_id"], name=op.f("fk_duties_place_id")),
        sa.PrimaryKeyConstraint("duty_id", name=op.f("pk_duties")),
        sa.UniqueConstraint(
            "contact_id", "place_id", "call", "since", name=op.f("uq_duties_contact_id_place_id_call_since")
        ),
    )
    op.create_index(op.f("ix_duties_place_id"), "duties", ["place_id"], unique=False)
    op.create_table(
        "excursions",
        sa.Column("excursion_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("storage_point_id", sa.Text(), nullable=True),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("reaches", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("stay", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("alarmed_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("extreme", sa.Integer(), nullable=False),
        sa.Column("out", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"], name=op.f("fk_excursions_incident_id")),
        sa.ForeignKeyConstraint(
            ["storage_point_id"], ["storage_points.storage_point_id"], name=op.f("fk_excursions_storage_point_id")
        ),
        sa.PrimaryKeyConstraint("excursion_id", name=op.f("pk_excursions")),
    )
    op.create_index(op.f("ix_excursions_device_id_reaches"), "excursions", ["device_id", "reaches"], unique=False)
    op.create_index(op.f("ix_excursions_incident_id"), "excursions", ["incident_id"], unique=False)
    op.create_index(
        op.f("ix_excursions_started_at_excursion_id"), "excursions", ["started_at", "excursion_id"], unique=False
    )
    op.create_index(
        op.f("ix_excursions_storage_point_id_reaches"), "excursions", ["storage_point_id", "reaches"], unique=False
    )
    op.create_table(
        "fillings",
        sa.Column("filling_id", sa.Text(), nullable=False),
        sa.Column("storage_point_id", sa.Text(), nullable=False),
        sa.Column("equipment_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.equipment_id"], name=op.f("fk_fillings_equipment_id")),
        sa.ForeignKeyConstraint(
            ["storage_point_id"], ["storage_points.storage_point_id"], name=op.f("fk_fillings_storage_point_id")
        ),
        sa.PrimaryKeyConstraint("filling_id", name=op.f("pk_fillings")),
        sa.UniqueConstraint("equipment_id", "since", name=op.f("uq_fillings_equipment_id_since")),
        sa.UniqueConstraint("storage_point_id", "since", name=op.f("uq_fillings_storage_point_id_since")),
    )
    op.create_table(
        "incident_devices",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_devices_incident_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "device_id", name=op.f("pk_incident_devices")),
    )
    op.create_index(op.f("ix_incident_devices_device_id"), "incident_devices", ["device_id"], unique=False)
    op.create_table(
        "incident_points",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("storage_point_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_points_incident_id")
        ),
        sa.ForeignKeyConstraint(
            ["storage_point_id"], ["storage_points.storage_point_id"], name=op.f("fk_incident_points_storage_point_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "storage_point_id", name=op.f("pk_incident_points")),
    )
    op.create_index(op.f("ix_incident_points_storage_point_id"), "incident_points", ["storage_point_id"], unique=False)
    op.create_table(
        "notes",
        sa.Column("note_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"], name=op.f("fk_notes_incident_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_notes_user_id")),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_notes")),
        sa.UniqueConstraint("client_id", name=op.f("uq_notes_client_id")),
    )
    op.create_index(op.f("ix_notes_incident_id_recorded_at"), "notes", ["incident_id", "recorded_at"], unique=False)
    op.create_table(
        "outboxes",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("outbox_id", sa.Text(), nullable=False),
        sa.Column("first_heard_at", sa.BigInteger(), nullable=False),
        sa.Column("last_heard_at", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=True),
        sa.Column("lost", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_outboxes_device_id")),
        sa.PrimaryKeyConstraint("device_id", "outbox_id", name=op.f("pk_outboxes")),
    )
    op.create_table(
        "placements",
        sa.Column("placement_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("storage_point_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_placements_device_id")),
        sa.ForeignKeyConstraint(
            ["storage_point_id"], ["storage_points.storage_point_id"], name=op.f("fk_placements_storage_point_id")
        ),
        sa.PrimaryKeyConstraint("placement_id", name=op.f("pk_placements")),
    )
    op.create_index(
        op.f("ix_placements_storage_point_id_since"), "placements", ["storage_point_id", "since"], unique=False
    )
    op.create_index(
        "uq_placements_standing",
        "placements",
        ["device_id", "channel", "since"],
        unique=True,
        sqlite_where=sa.text("superseded_by IS NULL"),
        postgresql_where=sa.text("superseded_by IS NULL"),
    )
    op.create_table(
        "revisions",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("excursion_id", sa.Text(), nullable=True),
        sa.Column("interval", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"], name=op.f("fk_revisions_incident_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_revisions")),
    )
    op.create_index(op.f("ix_revisions_incident_id_number"), "revisions", ["incident_id", "number"], unique=False)
    op.create_table(
        "said",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_said_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_said")),
    )
    op.create_table(
        "sensors",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_sensors_device_id")),
        sa.PrimaryKeyConstraint("device_id", "channel", name=op.f("pk_sensors")),
    )
    op.create_table(
        "spoken_for",
        sa.Column("spoken_for_id", sa.Text(), nullable=False),
        sa.Column("bridge_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["bridge_id"], ["devices.device_id"], name=op.f("fk_spoken_for_bridge_id")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_spoken_for_device_id")),
        sa.PrimaryKeyConstraint("spoken_for_id", name=op.f("pk_spoken_for")),
        sa.UniqueConstraint("device_id", "since", name=op.f("uq_spoken_for_device_id_since")),
    )
    op.create_index(op.f("ix_spoken_for_bridge_id"), "spoken_for", ["bridge_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_deliveries_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", "attempt", name=op.f("pk_deliveries")),
    )
