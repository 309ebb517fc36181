"""A short campaign of `make faults`: every fault once, in random order, while clients read and write."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.faults.campaign import choose_faults, run
from tests.faults.injections import INJECTIONS
from tests.system_programs import find_broker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

SEED = 20
WITH_BROKER_FAULTS = 12


@pytest.mark.skipif(find_broker() is None, reason="no redis-server")
@pytest.mark.timeout(180)
async def test_with_a_broker_and_three_streams_nothing_is_lost_repeated_or_out_of_order_either(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    faults = list(itertools.islice(choose_faults(SEED, with_broker=True), WITH_BROKER_FAULTS))
    verdict = await run(own_postgres, tmp_path, SEED, faults, with_broker=True)
    assert verdict.is_clean, (str(verdict), verdict.complaints, verdict.injected)
    assert verdict.events > 500


@pytest.mark.timeout(180)
async def test_every_fault_once_and_nothing_is_lost_repeated_or_out_of_order(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    faults = list(itertools.islice(choose_faults(SEED), len(INJECTIONS)))
    verdict = await run(own_postgres, tmp_path, SEED, faults)
    assert verdict.is_clean, (str(verdict), verdict.complaints, verdict.injected)
    assert verdict.events > 1_000
    assert verdict.confirmed > 500
