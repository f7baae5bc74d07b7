"""A real infusion visit goes in as one transaction and comes back as it was."""

from tests.stories.client import Client
from tests.stories.visit import Visit, entries, sent, tokens


def test_reads_back_entry_for_entry(charting: Client, visit: Visit) -> None:
    """Every entry, identical but for id, server meta and resolved references."""
    for url, resource in entries(visit.year):
        stored = charting.get(visit.places[url]).document
        assert stored is not None
        assert tokens(stored, {}) == tokens(resource, visit.places), url


def test_comes_back_in_a_search_and_in_the_history(charting: Client, visit: Visit) -> None:
    """The same characters in a searchset and in a history Bundle."""
    for url, resource in entries(visit.year)[24:30]:
        type_name, id = visit.places[url].split("/")
        found = charting.get(f"{type_name}?_id={id}").document
        past = charting.get(f"{type_name}/{id}/_history").document
        for bundle in (found, past):
            assert bundle is not None
            inside = bundle.members()["entry"].elements()[0].members()["resource"]
            assert tokens(inside, {}) == tokens(resource, visit.places)


def test_goes_in_once_more_without_doubling_master_data(charting: Client, visit: Visit) -> None:
    """Entries with ifNoneExist find what is there; the rest is a second visit, with numbers of its own."""
    numbers = (("-0007", "-0008"), ("-00881", "-00981"))
    text = sent(visit.year).decode()
    for old, new in numbers:
        text = text.replace(old, new)
    again = charting.send("POST", "", text.encode())
    outcomes = [entry["response"]["status"][:3] for entry in again.tree["entry"]]
    assert (outcomes.count("200"), outcomes.count("201")) == (14, 92)
    assert charting.get(f"Patient?identifier=KET-{visit.year}&_summary=count").tree["total"] == 1


def test_a_bad_entry_keeps_all_of_it_out(charting: Client, visit: Visit) -> None:
    """One wrong code among 106 entries: nothing is stored, and the answer names the entry."""
    before = charting.get("Observation?_summary=count").tree["total"]
    wrong = sent(visit.year).replace(b'"severity": "high"', b'"severity": "dreadful"')
    answer = charting.send("POST", "", wrong)
    assert answer.status == 422
    assert any("Bundle.entry[96]" in place for issue in answer.tree["issue"] for place in issue.get("expression", []))
    assert charting.get("Observation?_summary=count").tree["total"] == before
