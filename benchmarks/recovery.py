"""Parameter recovery and calibration on companies drawn from the model itself; prints the table of docs/recovery.md.

python benchmarks/recovery.py [--companies 200] [--seed 2018] [-o ranks.csv]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from ranks import judged, ranks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("-o", type=Path, help="file for the ranks, a row a company")
    args = parser.parse_args()
    start = time.process_time()
    table = ranks(args.companies, args.seed)
    if args.o:
        table.to_csv(args.o, index=False)
    print("| quantity | mean rank | inside 50 % | 80 % | 95 % | p | after Holm | uniform |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in judged(table).iterrows():
        inside = " | ".join(f"{100 * row[f'inside_{q}']:.0f} %" for q in (50, 80, 95))
        verdict = "yes" if row["uniform"] else "no"
        print(f"| {name} | {row['mean_rank']:.3f} | {inside} | {row['p']:.4f} | {row['holm']:.3f} | {verdict} |")
    print(f"{args.companies} companies, {time.process_time() - start:.0f} s of processor", file=sys.stderr)


if __name__ == "__main__":
    main()
