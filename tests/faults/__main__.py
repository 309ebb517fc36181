"""`make faults`: runs campaigns of random faults, each with a seed. See `python -m tests.faults --help`."""

from __future__ import annotations

import argparse
import itertools
import sys

from tests.faults.campaign import choose_faults, run_on_new_postgres, shrink


def main() -> int:
    parser = argparse.ArgumentParser(description="Break everything, one fault after the other, and look what was lost.")
    parser.add_argument("--seconds", type=float, default=600, help="for each seed")
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument(
        "--with-broker", action=argparse.BooleanOptionalAction, help="only with (without) a broker and three streams"
    )
    parser.add_argument("--faults", nargs="+", help="only these, once, in this order")
    parser.add_argument("--no-page", action="store_true", help="leave the browser out")
    parser.add_argument("--shrink", action="store_true", help="after a failure, look for the shortest list of faults")
    arguments = parser.parse_args()
    failed = False
    modes = (False, True) if arguments.with_broker is None else (arguments.with_broker,)
    for seed, with_broker in itertools.product(arguments.seed, modes):
        verdict = run_on_new_postgres(
            seed,
            arguments.faults or choose_faults(seed, with_broker=with_broker),
            seconds=arguments.seconds,
            with_page=not arguments.no_page,
            with_broker=with_broker,
        )
        print(verdict, flush=True)
        if verdict.is_clean:
            continue
        failed = True
        print(*verdict.complaints, "faults: " + " ".join(verdict.injected), sep="\n", flush=True)
        if arguments.shrink:
            print("shortest found: " + " ".join(shrink(verdict)), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
