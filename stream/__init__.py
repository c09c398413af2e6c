"""Judgement: the judge's memory, which is the history; verdicts, silences and faults."""
