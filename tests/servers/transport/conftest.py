"""How many mail hosts were compared with which tool, and how many differences there are: the end of pytest's output."""

from collections import Counter

import pytest

from .opinions import Tool

COMPARED_WITH = "compared with"
DIFFERS_FROM = "differs from"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, of the tests that passed."""
    counted = Counter(
        said
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for said in report.user_properties
    )
    compared = ", ".join(f"{counted[COMPARED_WITH, tool.value]} with {tool.value}" for tool in Tool)
    explained = sum(counted[DIFFERS_FROM, tool.value] for tool in Tool)
    terminalreporter.write_line(
        f"transport security: hosts compared: {compared}; {explained} differences, all explained"
    )
