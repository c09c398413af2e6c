"""Runners: who carries the messages to the judge. One machine has the embedded one."""
