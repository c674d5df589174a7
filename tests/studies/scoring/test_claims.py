import pytest

from studies.scoring.claims import check_claim, parse_claims
from tests.error_codes import raises_code

VALUES = {
    "full": {"UF1": 0.73534, "UAR": 0.71855, "accuracy": 0.7692, "macro precision": 0.76049},
    "casme2": {"UF1": 0.5, "UAR": 0.819, "accuracy": 0.819, "macro precision": 0.7},
}


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("UF1=.7353", "UF1 .7353: yes"),
        ("uf1=0.735", "UF1 0.735: yes"),
        ("Macro F1 = 73.5 %", "UF1 73.5 %: yes"),
        ("f1=73.53", "UF1 73.53 %: yes"),
        ("UAR=.7605", "UAR .7605: no; it is the macro precision .7605; the UAR is .7186"),
        ("UAR=76.92%", "UAR 76.92 %: no; it is the accuracy 76.92; the UAR is 71.86"),
        ("UAR=.7185", "UAR .7185: yes, cut off instead of rounded to .7186"),
        ("acc=.9", "accuracy .9: no; no metric computed here has this value; the accuracy is .8"),
        ("CASME II:UF1=.50", "CASME II UF1 .50: yes"),
        (
            "casme2:UF1=.8190",
            "CASME II UF1 .8190: no; it is the UAR and the accuracy .8190; the UF1 is .5000",
        ),
        ("UF1=.5000", "UF1 .5000: no; it is the UF1 of CASME II .5000; the UF1 is .7353"),
        ("casme2:UF1=.7353", "CASME II UF1 .7353: no; it is the UF1 of all clips .7353; the UF1 is .5000"),
        ("full:UF1=.7353", "UF1 .7353: yes"),
    ],
)
def test_number_is_compared_at_its_digits_and_named(claim: str, text: str) -> None:
    (parsed,) = parse_claims([claim])

    assert check_claim(parsed, VALUES).text == text


INVALID_CLAIMS = ("", "UF1", "UF1=", "UF1=a", "UF2=.3", "=.3", "UF1=-.3")
INVALID_NUMBERS = ("UF1=1", "UF1=101", "UF1=." + "1" * 20)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "claimed.invalid") for text in INVALID_CLAIMS),
        *((text, "claimed.number") for text in INVALID_NUMBERS),
    ],
)
def test_invalid_claim_is_refused(text: str, code: str) -> None:
    with raises_code(code, ".7353"):
        parse_claims([text])


def test_claim_about_a_missing_set_is_refused() -> None:
    with raises_code("claimed.unknown-set", "'samm'", "full, casme2"):
        check_claim(parse_claims(["samm:UF1=.5"])[0], VALUES)
