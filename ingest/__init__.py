"""The gate: MQTT, HTTP and files come in; believed or refused, journalled, acknowledged."""
