import asyncio, random
from payrail.gateway.flows.gateway import Gateway, Caller, Request
from payrail.gateway.flows.create_payment import create_payment
from payrail.gateway.flows.authorize_payment import authorize_payment
from payrail.gateway.flows.capture_payment import capture_payment
from payrail.gateway.domain.outcomes import *
from payrail.gateway.ports import CardDetails
from payrail.ledger.payment_events import PaymentMethod
from payrail.runtime.clock import SystemClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import FileJournal
from payrail.runtime.leases import Leases


class V:
    async def tokenize(self, m, card, c):
        return PaymentMethod("tok_1", "visa", "424242", "4242", 12, 2030, "fp")

    async def describe(self, m, t, c):
        return await self.tokenize(m, None, c)

    async def charge_token(self, m, t, c):
        return CardDetails("4242424242424242", 12, 2030)


class P:
    async def authorize(self, p, a, card, cvc, c):
        return Approved("pi_1", 0, 3)

    async def capture(self, p, a, c):
        return Approved("ch_1", 7, 3)

    async def reverse(self, p, a, o, c):
        return Approved("re_1")

    async def inquire(self, a, c):
        return NotFound()


async def test_life(tmp_path):
    clock = SystemClock(None)
    ids = IdSource(clock, random.SystemRandom())
    j = await FileJournal.open(tmp_path / "ledger", lambda: ids.new("le"))
    g = Gateway(j, V(), P(), clock, Leases(tmp_path / "run" / "x.lock"), ids.new, "me", "0")
    caller = Caller("m_demo", "u", "operator")
    r = await create_payment(
        g,
        Request(caller, "c1", "k1"),
        card=None,
        token="tok_1",
        terms=dict(amount=1000, currency="USD", capture_method="manual", country="US"),
    )
    r2 = await create_payment(
        g,
        Request(caller, "c1", "k1"),
        card=None,
        token="tok_1",
        terms=dict(amount=1000, currency="USD", capture_method="manual", country="US"),
    )
    assert r2.replayed and r2.body == r.body
    pid = r.body["id"]
    a = await authorize_payment(g, Request(caller, "c1", "k2"), pid, None)
    assert a.status == 200 and a.body["state"] == "AUTHORIZED", a
    c1 = await capture_payment(g, Request(caller, "c1", "k3"), pid, 300, final=False)
    c = await capture_payment(g, Request(caller, "c1", "k4"), pid, None, final=False)
    assert c.body["state"] == "CAPTURED"
    a2 = await authorize_payment(g, Request(caller, "c1", "k2"), pid, None)
    assert a2.body == a.body and a2.replayed
    import time

    t = time.process_time()

    async def life(i):
        r = await create_payment(
            g,
            Request(caller, "c1", f"l{i}"),
            card=None,
            token="tok_1",
            terms=dict(amount=1000, currency="USD", capture_method="manual", country="US"),
        )
        await authorize_payment(g, Request(caller, "c1", f"a{i}"), r.body["id"], None)
        await capture_payment(g, Request(caller, "c1", f"c{i}"), r.body["id"], None, final=False)

    for b in range(50):
        await asyncio.gather(*(life(b * 32 + i) for i in range(32)))
    print("CPU us per life", (time.process_time() - t) / 1600 * 1e6)
    await j.close()
    t = time.process_time()
    j2 = await FileJournal.open(tmp_path / "ledger", lambda: ids.new("le"))
    print("replay us per entry", (time.process_time() - t) / j2.seq * 1e6, j2.seq)
    assert j2.state.payments == g.journal.state.payments and j2.state.claims == g.journal.state.claims
    print((tmp_path / "ledger/payments.jsonl").read_text().splitlines()[2])
