"""What the built-in rules find and what they leave alone, on a corpus made from a seed."""

import random
import string

import pyarrow as pa
import pytest

from telemetry.model.errors import InvalidInput
from telemetry.store.log_rules import LogRules
from telemetry.store.queries import LogQuery
from telemetry.store.redaction import (
    BUILT_IN,
    EVERY_SERVICE,
    Redaction,
    Rule,
    found,
    redacted,
    redaction_from,
)
from tests.telemetry.batches import NOW_MS, log_batch

SEED = 20_261_122
EACH = 200
BY_NAME = {rule.name: rule for rule in BUILT_IN}


def letters(r, size, alphabet=string.ascii_letters + string.digits):
    return "".join(r.choice(alphabet) for _ in range(size))


def card(r):
    digits = [int(digit) for digit in r.choice("45") + letters(r, 14, string.digits)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::-2]]
    digits.append(-(sum(digits[-2::-2]) + sum(doubled)) % 10)
    text = "".join(map(str, digits))
    return r.choice(
        (
            text,
            " ".join(text[at : at + 4] for at in range(0, 16, 4)),
            "-".join((text[:4], text[4:8], text[8:12], text[12:])),
        )
    )


def iban(r):
    account = letters(r, 18, string.digits)
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02}{account}"


def secret_lines(r):
    token = letters(r, 40)
    jwt = f"eyJ{token[:12]}.eyJ{token[:20]}.{token}"
    return {
        "private_key": f"-----BEGIN RSA PRIVATE KEY-----\n{letters(r, 200)}\n-----END RSA PRIVATE KEY-----",
        "api_token": r.choice((f"ghp_{token[:36]}", f"AKIA{token[:16].upper()}", f"glpat-{token[:20]}", jwt)),
        "secret": r.choice((f"password={token[:12]}", f'"api_key": "{token}"', f"Authorization: Bearer {token}")),
        "url_password": f"postgresql://app:{token[:14]}@db.internal:5432/shop",
        "card_number": f"charged {card(r)} for order",
        "iban": f"transfer to {iban(r)} done",
        "e_mail": f"mail sent to {token[:8].lower()}@example.{r.choice(('com', 'org', 'co.uk'))} in 3 ms",
    }  # fmt: skip


def harmless_lines(r):
    yield f'{{"request_id": "{letters(r, 32, "0123456789abcdef")}", "ms": {r.random()}, "event": "token_bucket_full"}}'
    yield f"GET /reset-password?step={r.randint(1, 3)} HTTP/1.1 200 secretariat key: ok"
    yield f"order {r.randint(10**12, 10**13)} trace {letters(r, 16, string.digits)} at {r.randint(10**18, 2 * 10**18)}"
    yield f"connect to https://example.com:8443/a?b=c from 10.0.0.{r.randint(0, 255)}:{r.randint(1024, 65535)}"
    yield f"user @{letters(r, 6)} mentioned v{r.randint(1, 9)}.2@sha256 {letters(r, 20).upper()}"


def rates():
    """(share of secrets that are found by rule, share of harmless lines touched by any rule)"""
    r = random.Random(SEED)
    hits = dict.fromkeys(BY_NAME, 0)
    for _ in range(EACH):
        for name, line in secret_lines(r).items():
            hits[name] += found(pa.array([line]), BY_NAME[name]).true_count
    harmless = pa.array([line for _ in range(EACH) for line in harmless_lines(r)])
    touched = sum(found(harmless, rule).true_count for rule in BUILT_IN)
    return {name: count / EACH for name, count in hits.items()}, touched / len(harmless)


def test_found_and_falsely_found_on_the_seeded_corpus():
    found_ratio, false_ratio = rates()
    assert min(found_ratio.values()) >= 0.99, found_ratio
    assert false_ratio <= 0.03


@pytest.mark.parametrize(
    ("rule", "line", "kept"),
    [
        ("secret", 'login "password": "hunter22" ok', 'login "password": "[redacted:secret]" ok'),
        ("url_password", "redis://u:p4ss@h/1 and x", "redis://u:[redacted:url_password]@h/1 and x"),
        ("card_number", "4111 1111 1111 1111, 4111 1111 1111 1112", "[redacted:card_number], 4111 1111 1111 1112"),
        ("iban", "GB82 WEST 1234 5698 7654 32 GB82WEST12345698765433", "[redacted:iban] GB82WEST12345698765433"),
        ("e_mail", "a@b.example, é", "[redacted:e_mail], é"),
    ],
)
def test_only_the_secret_itself_is_replaced(rule, line, kept):
    assert redacted(pa.array([line, "plain"]), BY_NAME[rule]).to_pylist() == [kept, "plain"]


def table(**columns):
    return pa.table(
        {
            "service": pa.array(columns["service"]).dictionary_encode(),
            "body": columns["body"],
            "attributes": columns["attributes"],
        }
    )


def test_rules_hold_for_their_services_only():
    redaction = redaction_from("shop=e_mail; *=secret", "")
    records = table(
        service=["shop", "desk"],
        body=["a@b.example pwd=12345", "a@b.example pwd=12345"],
        attributes=["", '{"password":"x y z"}'],
    )
    assert redaction.applied(records)["body"].to_pylist() == [
        "[redacted:e_mail] pwd=[redacted:secret]", "a@b.example pwd=[redacted:secret]"
    ]  # fmt: skip


def test_nothing_is_touched_where_nothing_is_found():
    records = table(service=["shop"], body=["plain"], attributes=[""])
    assert Redaction({}).is_on is False
    assert Redaction({EVERY_SERVICE: BUILT_IN}).applied(records) is records


def test_unknown_rules_and_wrong_patterns_are_named():
    with pytest.raises(InvalidInput, match="'mail' is no redaction rule"):
        redaction_from("*=e_mail,mail", "")
    with pytest.raises(InvalidInput, match="names no service"):
        redaction_from("all", "")
    with pytest.raises(InvalidInput, match="no JSON object"):
        redaction_from("", "[1]")
    with pytest.raises(InvalidInput, match="the redaction rule 'own'"):
        Redaction({EVERY_SERVICE: (Rule("own", "(?=x)"),)})


def test_neither_the_store_nor_a_watcher_gets_what_is_redacted(store):
    rules = LogRules(redaction_from("*=all", '{"ticket": "T-[0-9]+"}'))
    store.log_rules = lambda: rules
    try:
        with store.live_logs.subscribe() as mailbox:
            record = {"stream": (), "t": NOW_MS * 10**6, "body": "T-77 of a@b.example", "attributes": '{"pin":"T-1"}'}
            store.write_logs(log_batch([record])).result(30)
            (seen,), _ = mailbox.take()
    finally:
        store.log_rules = LogRules
    (kept,) = store.search_logs(LogQuery(0, NOW_MS * 10**6))
    for found_record in (kept, *seen.select(lambda _labels, _service: True)):
        assert found_record.body == "[redacted:ticket] of [redacted:e_mail]"
        assert found_record.attributes == {"pin": "[redacted:ticket]"}
