"""A benchmark of a dozen passages in BEIR layout."""

import json
from pathlib import Path

PASSAGES = [
    ("p1", "Brackwater Station", "The turbine of Brackwater Station was built by Halvorix Components in 1987."),
    ("p2", "Halvorix Components", "Halvorix Components is a maker of turbines. It is led by Ewa Strzelecka."),
    ("p3", "Ewa Strzelecka", "Ewa Strzelecka was born in Gdynia and studied in Delft."),
    ("p4", "Gdynia", "Gdynia is a port on the Baltic Sea."),
    ("p5", "Norwell Dam", "The turbine of Norwell Dam was built by Ostrava Works."),
    ("p6", "Ostrava Works", "Ostrava Works was founded by Pavel Novak."),
    ("p7", "Pavel Novak", "Pavel Novak collected clocks."),
    ("p8", "", "The harbour of Porto was dredged in 2003."),
    ("p9", "Porto", "Porto lies on the Douro."),
    ("p10", "Douro", "The Douro rises in Spain."),
    ("p11", "Delft", "Delft is known for blue pottery."),
    ("p12", "Baltic Sea", "The Baltic Sea is brackish."),
]
QUERIES = [
    ("q1", "Who leads the maker of the turbine of Brackwater Station?", ["Ewa Strzelecka"], {"p1", "p2"}),
    ("q2", "Who founded the builder of the turbine of Norwell Dam?", ["Pavel Novak"], {"p5", "p6"}),
    ("q3", "Where does the Douro rise?", ["Spain"], {"p10"}),
    ("q4", "What is Delft known for?", [], {"p11"}),
]


def write_dataset(folder: Path, **changes: str) -> Path:
    """The mini benchmark in BEIR layout; changes replace a file's content, by its stem."""
    files = {
        "corpus": "".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in PASSAGES),
        "queries": "".join(
            json.dumps({"_id": i, "text": text, "metadata": {"answers": answers}}) + "\n"
            for i, text, answers, _ in QUERIES
        ),
        "test": "query-id\tcorpus-id\tscore\n" + "".join(f"{i}\t{p}\t1\n" for i, _, _, g in QUERIES for p in sorted(g)),
    } | changes
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(files["corpus"])
    (folder / "queries.jsonl").write_text(files["queries"])
    (folder / "qrels" / "test.tsv").write_text(files["test"])
    return folder
