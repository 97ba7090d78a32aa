"""The plugin in a project of its own: options, marker, what a failed test shows, and what an unused plugin costs."""

from pathlib import Path

import pytest
from stack_user import Shop

from payrail.testing import PayRailStack, running_payrail
from payrail.testing.plugin import _new_folder

pytest_plugins = ["pytester"]

PAYMENT = """
    def pay(payrail):
        payment = payrail.client.payments.create(
            amount=4999, currency="EUR", payment_method=payrail.cards.approved)
        return payrail.client.payments.authorize(payment.id, correlation_id="of-this-test")
"""
TAMPER = """
    def tamper(payrail):
        book = payrail.data_dir / "ledger" / "payments.jsonl"
        book.write_bytes(book.read_bytes().replace(b'"amount":4999', b'"amount":4998'))
"""


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Loads what a stack needs before the first run in this process: a run forgets the modules that it loaded, and
    those that it did not load itself would hold on to their first copies."""
    with running_payrail(tmp_path_factory.mktemp("loaded")) as stack:
        stack.client.payments.create(amount=1, currency="EUR", payment_method=stack.cards.approved)


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(PAYMENT + source)
    return pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:asyncio", *options
    )


def data_directories(parent: Path) -> list[Path]:
    """Where a stack has run below the folder."""
    return sorted(path.parent.parent for path in parent.rglob("run/stack.lock"))


def test_passed_test_leaves_nothing_behind(pytester: pytest.Pytester) -> None:
    base = pytester.path / "temporary"
    result = run(
        pytester,
        """
    def test_paid(payrail):
        assert pay(payrail).state == "AUTHORIZED"
    """,
        f"--basetemp={base}",
    )
    result.assert_outcomes(passed=1)
    assert data_directories(base) == []


def test_failed_test_keeps_its_data_and_shows_where_and_the_latest_requests(
    pytester: pytest.Pytester,
) -> None:
    base = pytester.path / "temporary"
    result = run(
        pytester,
        """
    def test_paid(payrail):
        assert pay(payrail).state == "DECLINED"
    """,
        f"--basetemp={base}",
    )
    result.assert_outcomes(failed=1)
    (kept,) = data_directories(base)
    result.stdout.fnmatch_lines(
        [
            "*- payrail -*",
            f"data directory: {kept}",
            "*POST /payments/{payment_id}/authorize: 200*(of-this-test)",
        ]
    )
    assert "4242424242424242" not in result.stdout.str()


def test_stack_is_shown_however_a_test_came_by_it(pytester: pytest.Pytester) -> None:
    """By a fixture that failed on it, or by its name."""
    result = run(
        pytester,
        """
    import pytest

    @pytest.fixture
    def order(payrail):
        return pay(payrail).no_such_field

    def test_order(order):
        pass

    def test_by_name(request):
        assert pay(request.getfixturevalue("payrail")).state == "DECLINED"
    """,
    )
    result.assert_outcomes(failed=1, errors=1)
    shown = [line for line in result.outlines if "POST /payments/{payment_id}/authorize: 200" in line]
    assert len(shown) == 2


def test_test_whose_data_do_not_verify_fails_with_the_findings(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        TAMPER
        + """
    def test_paid(payrail):
        pay(payrail)
        tamper(payrail)
    """,
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*DataNotSound:*do not verify:", "*ledger/payments.jsonl line 1:*"])


def test_proof_can_be_left_out_for_a_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        TAMPER
        + """
    import pytest
    @pytest.mark.payrail(verify=False)
    def test_paid(payrail):
        pay(payrail)
        tamper(payrail)
    """,
        "--strict-markers",
    )
    result.assert_outcomes(passed=1)


def test_marker_takes_settings(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    import pytest
    @pytest.mark.payrail(breaker_failure_threshold=1)
    def test_breaker_opens_at_the_first_failure(payrail):
        payrail.providers.a.fail("error", operation="authorize", remaining=1)
        assert pay(payrail).provider == "providerB"
        assert payrail.providers.a.health().breaker.state == "OPEN"
    """,
    )
    result.assert_outcomes(passed=1)


def test_markers_of_module_class_and_test_add_up(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    import pytest
    pytestmark = pytest.mark.payrail(breaker_failure_threshold=1, verify=False)

    class TestBreaker:
        pytestmark = pytest.mark.payrail(breaker_failure_threshold=2)

        @pytest.mark.payrail(seed=7)
        def test_opens_at_the_second_failure(self, payrail):
            for state in ("CLOSED", "OPEN"):
                with payrail.providers.a.fail("error", operation="authorize"):
                    pay(payrail)
                assert payrail.providers.a.health().breaker.state == state
            (payrail.data_dir / "ledger" / "payments.jsonl").write_bytes(b"no ledger")
    """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ("{'seed': 7}", "*takes settings by name*"),
        ("gateway_port=8026", "*the stack chooses gateway_port itself*"),
        ("payrail_data_dir='data'", "*the stack chooses payrail_data_dir itself*"),
    ],
)
def test_marker_that_cannot_be_followed_is_an_error(
    pytester: pytest.Pytester, marker: str, reason: str
) -> None:
    result = run(
        pytester,
        f"""
    import pytest
    @pytest.mark.payrail({marker})
    def test_nothing(payrail):
        pass
    """,
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([reason])


def test_seed_that_is_no_number_is_named(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_nothing(payrail): pass", "--override-ini=payrail_seed=seven")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ini value payrail_seed must be a whole number, not 'seven'*"])


@pytest.mark.parametrize("option", ["--payrail-seed=7", "--override-ini=payrail_seed=7"])
def test_seed_is_an_option_and_an_ini_value(
    pytester: pytest.Pytester, option: str, payrail: PayRailStack, tmp_path: Path
) -> None:
    source = """
    from stack_user import Shop

    def test_fates(payrail):
        print("drawn:", *Shop(payrail).fates())
    """
    result = run(pytester, source, "-s", option)
    drawn = next(line for line in result.outlines if "drawn:" in line).partition("drawn: ")[2].split()
    with running_payrail(tmp_path / "data", seed=7) as stack:
        assert drawn == Shop(stack).fates()
    assert drawn != Shop(payrail).fates()


def test_data_of_every_stack_are_kept_when_asked_for(pytester: pytest.Pytester) -> None:
    source = """
    import pytest
    @pytest.mark.parametrize("number", [1, 2])
    def test_paid(payrail, number):
        pay(payrail)
    """
    for _ in range(2):
        run(pytester, source, "--payrail-keep-data=kept").assert_outcomes(passed=2)
    names = [path.name for path in data_directories(pytester.path / "kept")]
    assert names == ["test_paid-1", "test_paid-1-2", "test_paid-2", "test_paid-2-2"]


def test_folder_of_a_stack_is_taken_with_its_name(tmp_path: Path) -> None:
    """Not when the stack writes there: a second process may ask before."""
    assert [_new_folder(tmp_path / "kept", "test_paid").name for _ in range(2)] == [
        "test_paid",
        "test_paid-2",
    ]


def test_session_stack_is_one_for_all_tests(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    PAID = []

    def one_more(payrail):
        PAID.append(pay(payrail).id)
        assert [one.id for one in reversed(list(payrail.client.payments.list()))] == PAID

    def test_first(payrail_session):
        one_more(payrail_session)

    def test_second(payrail_session):
        one_more(payrail_session)
    """,
    )
    result.assert_outcomes(passed=2)


def test_unused_plugin_imports_nothing_of_payrail(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
    import sys

    def test_modules():
        heavy = ("payrail", "payrail_sdk", "connexion", "httpx")
        loaded = {name for name in sys.modules if name.split(".")[0] in heavy}
        assert loaded == {"payrail", "payrail.testing", "payrail.testing.plugin"}
    """
    )
    pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:schemathesis", "-p", "no:hypothesispytest"
    ).assert_outcomes(passed=1)
