import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { Circuit, type CircuitChange, type CircuitSettings, NO_PERMIT, type Permit } from "./circuit.ts";
import { ModelCircuit, type Ticket } from "./circuit-model.fixture.ts";
import { FakeClock } from "./clock.fixture.ts";
import { DEFAULTS } from "./options.ts";

const HOUR_MS = 3_600_000;

// ---- opening (B2) ----

test("it opens when half of the calls have failed, but not before there are ten", (t) => {
  const { circuit, changes } = setup(t, { consecutiveFailures: 20 });
  const outcomes = [true, false, true, false, true, false, true, false, true];
  for (const isFailure of outcomes) record(circuit, isFailure);
  assert.equal(circuit.state, "closed", "nine");
  record(circuit, true);
  assert.equal(circuit.state, "open");
  assert.deepEqual(changes, [{ from: "closed", to: "open", reason: "failure_rate", openMs: 9000 }]);
});

test("a rate is met exactly: seven of a hundred are 0.07", (t) => {
  const window = { calls: 100, ageMsMax: 1e6 };
  const { circuit } = setup(t, { window, callsMin: 100, consecutiveFailures: 100, failureRate: 0.07 });
  for (let i = 0; i < 93; i++) record(circuit, false);
  fail(circuit, 6);
  assert.equal(circuit.state, "closed");
  record(circuit, true);
  assert.equal(circuit.reason, "failure_rate");
});

test("it opens at five failures in a row, however few calls there were", (t) => {
  const { circuit } = setup(t);
  fail(circuit, 4);
  record(circuit, false);
  fail(circuit, 4);
  assert.equal(circuit.state, "closed");
  record(circuit, true);
  assert.equal(circuit.state, "open");
  assert.equal(circuit.reason, "consecutive_failures");
});

test("it opens when most calls are slow", (t) => {
  const { circuit } = setup(t);
  for (let i = 0; i < 2; i++) circuit.record(circuit.tryAcquire(), false);
  for (let i = 0; i < 7; i++) circuit.record(circuit.tryAcquire(), false, true);
  assert.equal(circuit.state, "closed", "seven of nine");
  circuit.record(circuit.tryAcquire(), false, true);
  assert.equal(circuit.state, "open", "eight of ten");
  assert.equal(circuit.reason, "slow_calls");
});

test("what is past the window does not count: of many calls the last twenty", (t) => {
  const { circuit } = setup(t, { consecutiveFailures: 20 });
  for (let i = 0; i < 100; i++) record(circuit, false);
  for (let i = 0; i < 9; i++) record(circuit, true);
  assert.equal(circuit.state, "closed");
  record(circuit, true);
  assert.equal(circuit.state, "open");
});

for (const window of [{ calls: 20, ageMsMax: 300_000 }, { ms: 300_000 }])
  test(`after an idle hour, nothing from before counts (B1), ${JSON.stringify(window)}`, (t) => {
    const { circuit, clock } = setup(t, { window });
    for (let i = 0; i < 5; i++) record(circuit, false);
    fail(circuit, 4);
    clock.elapse(HOUR_MS);
    fail(circuit, 4);
    assert.equal(circuit.state, "closed");
    assert.deepEqual(circuit.recent, { calls: 4, failures: 4, slow: 0, consecutiveFailures: 4 });
    clock.elapse(HOUR_MS);
    assert.deepEqual(circuit.recent, { calls: 0, failures: 0, slow: 0, consecutiveFailures: 0 });
  });

test("open, it lets nothing through until its time is over, not a millisecond more", (t) => {
  const { circuit, clock } = setup(t);
  fail(circuit, 5);
  assert.equal(circuit.isOpen, true);
  assert.equal(circuit.tryAcquire(), NO_PERMIT);
  clock.elapse(8999);
  assert.equal(circuit.openMs, 1);
  assert.equal(circuit.tryAcquire(), NO_PERMIT);
  clock.elapse(1);
  assert.equal(circuit.isOpen, false);
  assert.notEqual(circuit.tryAcquire(), NO_PERMIT);
});

// ---- half-open (B2) ----

test("half-open, it admits as many probes as it may, and closes when all have passed", (t) => {
  const { circuit, changes } = halfOpen(t, { probes: 3 });
  const probes = [circuit.tryAcquire(), circuit.tryAcquire(), circuit.tryAcquire()];
  assert.ok(!probes.includes(NO_PERMIT));
  assert.equal(circuit.tryAcquire(), NO_PERMIT);
  circuit.record(probes[1]!, false);
  assert.equal(circuit.tryAcquire(), NO_PERMIT, "three in all, not three at a time");
  circuit.record(probes[0]!, false);
  assert.equal(circuit.state, "half-open");
  circuit.record(probes[2]!, false);
  assert.equal(circuit.state, "closed");
  assert.deepEqual(
    changes.map(({ from, to }) => `${from} ${to}`),
    ["closed open", "open half-open", "half-open closed"],
  );
});

test("closed again, it knows nothing of the failures before", (t) => {
  const { circuit } = halfOpen(t);
  record(circuit, false);
  fail(circuit, 4);
  assert.equal(circuit.state, "closed");
});

test("one probe that fails, or is slow, opens it again", (t) => {
  for (const isSlow of [false, true]) {
    const { circuit, changes } = halfOpen(t, { probes: 3 });
    record(circuit, false);
    circuit.record(circuit.tryAcquire(), !isSlow, isSlow);
    assert.equal(circuit.state, "open");
    assert.equal(changes.at(-1)?.reason, isSlow ? "slow_calls" : "probe_failed");
  }
});

test("a probe that never ends, or that nobody records, cannot wedge it", (t) => {
  const { circuit, clock, changes } = halfOpen(t, { probeMsMax: 5000 });
  const hung = circuit.tryAcquire();
  clock.elapse(4999);
  assert.equal(circuit.tryAcquire(), NO_PERMIT);
  clock.elapse(1);
  assert.equal(circuit.tryAcquire(), NO_PERMIT);
  assert.deepEqual(changes.at(-1), { from: "half-open", to: "open", reason: "probe_hung", openMs: 18_000 });
  clock.elapse(18_000);
  const next = circuit.tryAcquire();
  assert.notEqual(next, NO_PERMIT);
  circuit.record(hung, true);
  assert.equal(circuit.state, "half-open", "the hung one says nothing any more");
  circuit.record(next, false);
  assert.equal(circuit.state, "closed");
});

test("the place of a probe that was given up goes to the next", (t) => {
  const { circuit } = halfOpen(t);
  circuit.cancel(circuit.tryAcquire());
  record(circuit, false);
  assert.equal(circuit.state, "closed");
});

test("each time it opens anew it stays open for twice as long, up to the most, and a little less by chance", (t) => {
  const { circuit, clock, changes } = setup(t, { openMs: 1000, openMsMax: 5000 });
  fail(circuit, 5);
  for (let i = 0; i < 4; i++) {
    clock.elapse(circuit.openMs);
    record(circuit, true);
  }
  t.mock.method(Math, "random", () => 0);
  clock.elapse(circuit.openMs);
  record(circuit, true);
  const times = changes.filter(({ to }) => to === "open").map(({ openMs }) => openMs);
  assert.deepEqual(times, [900, 1800, 3600, 4500, 4500, 5000]);
});

test("only when it was well for longer than it had been open does it start over with a short time", (t) => {
  const { circuit, clock } = setup(t, { openMs: 1000 });
  const openMs = [0, 900, 1801].map((wellMs) => {
    clock.elapse(wellMs);
    fail(circuit, 5);
    const { openMs } = circuit;
    clock.elapse(openMs);
    record(circuit, false);
    return openMs;
  });
  assert.deepEqual(openMs, [900, 1800, 900]);
});

test("what began before the last change of state counts no more", (t) => {
  const { circuit, clock } = setup(t);
  const early = Array.from({ length: 20 }, () => circuit.tryAcquire());
  fail(circuit, 5);
  circuit.record(early.pop()!, false);
  clock.elapse(9000);
  circuit.record(early.pop()!, false);
  assert.equal(circuit.state, "half-open");
  circuit.record(early.pop()!, true);
  assert.equal(circuit.state, "half-open");
  record(circuit, false);
  for (const permit of early) circuit.record(permit, true);
  assert.equal(circuit.state, "closed");
  assert.equal(circuit.recent.calls, 0);
});

// ---- Retry-After (B4) ----

test("one Retry-After opens it for as long, but no longer than the cap", (t) => {
  for (const [retryAfterMs, openMs] of [
    [1000, 1000],
    [60_000, 60_000],
    [1e12, 600_000],
    [Number.POSITIVE_INFINITY, 600_000],
  ] as const) {
    const { circuit } = setup(t);
    circuit.record(circuit.tryAcquire(), true, false, retryAfterMs);
    assert.equal(circuit.reason, "retry_after");
    assert.equal(circuit.openMs, openMs);
  }
});

test("a Retry-After that is no number, or none at all, neither opens it nor wedges it", (t) => {
  for (const retryAfterMs of [Number.NaN, 0, -5, Number.NEGATIVE_INFINITY]) {
    const { circuit } = setup(t);
    circuit.record(circuit.tryAcquire(), true, false, retryAfterMs);
    assert.equal(circuit.state, "closed");
    fail(circuit, 3);
    circuit.record(circuit.tryAcquire(), true, false, retryAfterMs);
    assert.equal(circuit.openMs, 9000);
  }
});

test("a Retry-After that comes when it is open keeps it open, and never shortens it", (t) => {
  const { circuit, clock, changes } = setup(t);
  const [long, absurd, short] = [circuit.tryAcquire(), circuit.tryAcquire(), circuit.tryAcquire()];
  fail(circuit, 5);
  clock.elapse(1000);
  circuit.record(long, true, false, 30_000);
  assert.equal(circuit.openMs, 30_000);
  circuit.record(short, true, false, 1);
  assert.equal(circuit.openMs, 30_000);
  circuit.record(absurd, true, false, 1e12);
  assert.equal(circuit.openMs, 600_000);
  assert.equal(changes.length, 1);
});

test("with a cap of 0, Retry-After is not heeded", (t) => {
  const { circuit } = setup(t, { retryAfterMsMax: 0 });
  circuit.record(circuit.tryAcquire(), true, false, 60_000);
  assert.equal(circuit.state, "closed");
});

test("a probe's Retry-After outweighs the back-off, and does not shorten it", (t) => {
  for (const [retryAfterMs, openMs] of [
    [60_000, 60_000],
    [1000, 18_000],
  ] as const) {
    const { circuit } = halfOpen(t);
    circuit.record(circuit.tryAcquire(), true, false, retryAfterMs);
    assert.equal(circuit.openMs, openMs);
  }
});

test("a service that says 1 s again and again is left alone for longer and longer", (t) => {
  const { circuit, clock } = setup(t);
  const openMs = [];
  for (let i = 0; i < 4; i++) {
    circuit.record(circuit.tryAcquire(), true, false, 1000);
    openMs.push(circuit.openMs);
    clock.elapse(circuit.openMs);
  }
  assert.deepEqual(openMs, [1000, 18_000, 36_000, 72_000]);
});

// ---- sharing (B6) ----

test("another server's trip opens it for as long and a little longer, up to the cap", (t) => {
  const { circuit, changes } = setup(t);
  circuit.share(10_000);
  assert.deepEqual(changes, [{ from: "closed", to: "open", reason: "shared", openMs: 11_000 }]);
  assert.equal(circuit.openMs, 11_000);
  const other = setup(t);
  other.circuit.share(Number.POSITIVE_INFINITY);
  assert.equal(other.circuit.openMs, 660_000);
});

test("its own trip, come back late from the store, is no news", (t) => {
  const { circuit, clock, changes } = setup(t);
  fail(circuit, 5);
  clock.elapse(1000);
  circuit.share(7000);
  assert.equal(circuit.openMs, 8000);
  circuit.share(8010);
  assert.equal(circuit.openMs, 8010);
  assert.equal(circuit.reason, "consecutive_failures");
  assert.equal(changes.length, 1);
});

// ---- observing ----

test("observing, it lets every call through and tells what it would have done", (t) => {
  const { circuit, clock, changes } = setup(t, { observeOnly: true });
  fail(circuit, 5);
  assert.equal(circuit.state, "open");
  const waived = circuit.tryAcquire();
  assert.notEqual(waived, NO_PERMIT);
  circuit.record(waived, true, false, 1e9);
  assert.equal(circuit.openMs, 9000, "what would not have been called says nothing");
  clock.elapse(9000);
  const probe = circuit.tryAcquire();
  circuit.record(circuit.tryAcquire(), true);
  assert.equal(circuit.state, "half-open");
  circuit.record(probe, false);
  assert.equal(circuit.state, "closed");
  assert.equal(changes.length, 3);
});

// ---- all of it ----

test("whatever happens in whatever order, it does what the model does", (t) => {
  t.mock.method(Math, "random", () => 0.5);
  const rate = fc.constantFrom(0.1, 0.5, 0.75, 1);
  const window = fc.oneof(
    fc.record({ calls: fc.integer({ min: 1, max: 20 }), ageMsMax: fc.constantFrom(50, 1000, 300_000) }),
    fc.record({ ms: fc.constantFrom(10, 100, 1000, 60_000) }),
  );
  const settings: fc.Arbitrary<CircuitSettings> = fc.record({
    window,
    callsMin: fc.integer({ min: 1, max: 10 }),
    failureRate: rate,
    consecutiveFailures: fc.integer({ min: 1, max: 12 }),
    slowRate: rate,
    openMs: fc.constantFrom(1, 100, 1000),
    openMsMax: fc.constantFrom(1000, 3000),
    retryAfterMsMax: fc.constantFrom(0, 500, 5000),
    probes: fc.integer({ min: 1, max: 3 }),
    probeMsMax: fc.constantFrom(10, 1000),
    observeOnly: fc.boolean(),
  });
  const ms = fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 2000 }),
    fc.constantFrom(3000, HOUR_MS),
  );
  const which = fc.nat(9);
  const act = fc.oneof(
    { weight: 5, arbitrary: fc.record({ does: fc.constant("acquire" as const) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        does: fc.constant("record" as const),
        which,
        isFailure: fc.boolean(),
        isSlow: fc.boolean(),
        retryAfterMs: fc.oneof(
          { weight: 8, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.constantFrom(1, 700, 1e9, Number.NaN) },
        ),
      }),
    },
    // A call and its end at once, many times: what fills a window.
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant("calls" as const), count: fc.nat(12), isFailure: fc.boolean() }),
    },
    { weight: 4, arbitrary: fc.record({ does: fc.constant("pass" as const), ms }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("cancel" as const), which }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("share" as const), ms }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constant("look" as const) }) },
  );
  fc.assert(
    fc.property(settings, fc.array(act, { maxLength: 150, size: "max" }), (settings, acts) => {
      const clock = new FakeClock();
      const changes: CircuitChange[] = [];
      const circuit = new Circuit(
        settings,
        () => clock.now(),
        (change) => changes.push(change),
      );
      const model = new ModelCircuit(settings);
      const underWay: { permit: Permit; ticket: Ticket }[] = [];
      const acquire = () => {
        const permit = circuit.tryAcquire();
        const ticket = model.tryAcquire(clock.now());
        assert.equal(permit !== NO_PERMIT, ticket !== undefined, "a permit");
        if (ticket) underWay.push({ permit, ticket });
        return ticket !== undefined;
      };
      const end = (which: number, isFailure: boolean, isSlow: boolean, retryAfterMs: number) => {
        const [call] = underWay.splice(which, 1);
        if (!call) return;
        circuit.record(call.permit, isFailure, isSlow, retryAfterMs);
        model.record(clock.now(), call.ticket, isFailure, isSlow, retryAfterMs);
      };
      for (const act of acts) {
        if (act.does === "acquire") acquire();
        else if (act.does === "record") end(act.which, act.isFailure, act.isSlow, act.retryAfterMs);
        else if (act.does === "calls")
          for (let i = 0; i < act.count && acquire(); i++) end(underWay.length - 1, act.isFailure, false, 0);
        else if (act.does === "pass") clock.elapse(act.ms);
        else if (act.does === "cancel") {
          const [call] = underWay.splice(act.which, 1);
          if (!call) continue;
          circuit.cancel(call.permit);
          model.cancel(call.ticket);
        } else if (act.does === "share") {
          circuit.share(act.ms);
          model.share(clock.now(), act.ms);
        } else {
          assert.equal(circuit.state, model.look(clock.now()));
          assert.deepEqual(circuit.recent, model.recent(clock.now()));
        }
        assert.deepEqual(changes, model.changes);
        assert.equal(circuit.isOpen, model.openMs(clock.now()) > 0);
        assert.equal(circuit.openMs, model.openMs(clock.now()));
      }
    }),
    { numRuns: 3000 },
  );
});

// ----

/** With chance in the middle: it opens for nine tenths of its time. */
function setup(t: TestContext, options: Partial<CircuitSettings> = {}) {
  t.mock.method(Math, "random", () => 0.5);
  const clock = new FakeClock();
  const changes: CircuitChange[] = [];
  const circuit = new Circuit(
    { ...DEFAULTS, ...options },
    () => clock.now(),
    (change) => changes.push(change),
  );
  return { circuit, clock, changes };
}

function halfOpen(t: TestContext, options: Partial<CircuitSettings> = {}) {
  const world = setup(t, options);
  fail(world.circuit, 5);
  world.clock.elapse(9000);
  assert.equal(world.circuit.state, "half-open");
  return world;
}

function record(circuit: Circuit, isFailure: boolean): void {
  const permit = circuit.tryAcquire();
  assert.notEqual(permit, NO_PERMIT);
  circuit.record(permit, isFailure);
}

function fail(circuit: Circuit, times: number): void {
  for (let i = 0; i < times; i++) record(circuit, true);
}
