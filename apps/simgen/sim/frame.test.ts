import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameDecoder, FrameEncoder, FrameError, HEADER_BYTES, isKeyframe, type Moment } from "./frame.ts";

const still = { step: 0, epoch: 0, speedPercent: 100, paused: false, sensors: new Float64Array() };

/** A moment of `count` bodies; MuJoCo's body 0 is the world. */
function moment(count: number, change: Partial<Moment> = {}): Moment {
  const quaternions = new Float64Array((count + 1) * 4);
  for (let i = 0; i <= count; i++) quaternions[i * 4] = 1;
  return { ...still, positions: new Float64Array((count + 1) * 3), quaternions, ...change };
}

function encoder(count: number, sensors = 0): FrameEncoder {
  return new FrameEncoder(
    7,
    Array.from({ length: count }, (_, i) => i + 1),
    sensors,
  );
}

test("a pose comes back to within its quantisation step, wherever it is (M3)", () => {
  const coordinate = fc.double({ min: -1000, max: 1000, noNaN: true });
  const part = fc.double({ min: -1, max: 1, noNaN: true });
  const pose = fc.record({
    p: fc.tuple(coordinate, coordinate, coordinate),
    q: fc.tuple(part, part, part, part).filter((q) => Math.hypot(...q) > 0.1),
  });
  fc.assert(
    fc.property(fc.array(pose, { minLength: 1, maxLength: 20 }), (poses) => {
      const now = moment(poses.length);
      poses.forEach(({ p, q }, i) => {
        const norm = Math.hypot(...q);
        now.positions.set(p, (i + 1) * 3);
        now.quaternions.set(
          q.map((each) => each / norm),
          (i + 1) * 4,
        );
      });
      const frame = new FrameDecoder().decode(encoder(poses.length).encode(now));
      assert.ok(frame);
      poses.forEach(({ p }, i) => {
        const extent = Math.max(0.25, ...p.map(Math.abs));
        for (let k = 0; k < 3; k++)
          assert.ok(Math.abs((frame.positions[i * 3 + k] ?? 0) - (p[k] ?? 0)) <= (extent * 4) / 32_767 / 2 + 1e-9);
        let dot = 0;
        for (let k = 0; k < 4; k++)
          dot += (frame.quaternions[i * 4 + k] ?? 0) * (now.quaternions[(i + 1) * 4 + k] ?? 0);
        const angle = 2 * Math.acos(Math.min(1, Math.abs(dot)));
        assert.ok(angle < 1e-3, `${angle} rad`);
      });
    }),
  );
});

test("bodies at rest cost a bit each", () => {
  const frames = encoder(10);
  const now = moment(10);
  assert.ok(isKeyframe(frames.encode(now)));
  const next = frames.encode({ ...now, step: 8 });
  assert.equal(next.length, HEADER_BYTES + 2);
  assert.equal(new FrameDecoder().decode(next), undefined, "without its keyframe it says nothing");
});

test("any frame that arrives after its keyframe is complete, whatever was lost between (M3)", () => {
  const frames = encoder(3);
  const decoder = new FrameDecoder();
  const now = moment(3);
  decoder.decode(frames.encode(now));
  now.positions[3] = 0.1;
  frames.encode(now);
  now.positions[3] = 0.2;
  now.positions[6] = -0.2;
  frames.encode(now);
  now.positions[3] = 0;
  const frame = decoder.decode(frames.encode(now));
  assert.ok(frame && !frame.keyframe);
  assert.equal(frame.positions[0], 0, "back where the keyframe had it");
  assert.ok(Math.abs((frame.positions[3] ?? 0) + 0.2) < 1e-4);
});

test("a keyframe comes every 60 frames, at a reset, when asked for and when a body leaves its range", () => {
  const frames = encoder(1);
  const now = moment(1);
  const keys = (count: number) =>
    Array.from({ length: count }, () => isKeyframe(frames.encode(now))).flatMap((key, i) => (key ? [i] : []));
  assert.deepEqual(keys(121), [0, 60, 120]);
  now.epoch = 1;
  assert.deepEqual(keys(2), [0]);
  frames.forceKeyframe();
  assert.deepEqual(keys(2), [0]);
  now.positions[3] = 40;
  const far = frames.encode(now);
  assert.ok(isKeyframe(far));
  assert.ok(Math.abs((new FrameDecoder().decode(far)?.positions[0] ?? 0) - 40) < 0.01);
});

test("the header carries run, step, epoch, speed, pause and keyframe number", () => {
  const bytes = encoder(1).encode(moment(1, { step: 2 ** 40 + 1, epoch: 257, speedPercent: 42.4, paused: true }));
  const frame = new FrameDecoder().decode(bytes);
  assert.deepEqual(
    {
      run: frame?.run,
      step: frame?.step,
      epoch: frame?.epoch,
      speedPercent: frame?.speedPercent,
      paused: frame?.paused,
      number: bytes[2],
    },
    { run: 7, step: 2 ** 40 + 1, epoch: 1, speedPercent: 42, paused: true, number: 1 },
  );
});

test("sensors come with keyframes, and at most every sixth frame when they change", () => {
  const frames = encoder(1, 2);
  const decoder = new FrameDecoder();
  const seen = Array.from(
    { length: 13 },
    (_, i) => decoder.decode(frames.encode(moment(1, { sensors: new Float64Array([i, 0.5]) })))?.sensors,
  );
  assert.deepEqual(
    seen.flatMap((sensors, i) => (sensors ? [i] : [])),
    [0, 1, 7],
  );
  assert.deepEqual([...(seen[7] ?? [])], [7, 0.5]);
});

test("any bytes give a frame, nothing, or a FrameError", () => {
  const valid = encoder(4, 1).encode(moment(4, { sensors: new Float64Array([1]) }));
  const damaged = fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, value]) => {
    const copy = valid.slice();
    copy[at] = value;
    return copy;
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    damaged,
    fc.nat(valid.length).map((length) => valid.slice(0, length)),
  );
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 4 }), (inputs) => {
      const decoder = new FrameDecoder();
      for (const input of inputs) {
        try {
          decoder.decode(input);
        } catch (error) {
          assert.ok(error instanceof FrameError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test("a frame of another run than its keyframe says nothing", () => {
  const decoder = new FrameDecoder();
  decoder.decode(encoder(1).encode(moment(1)));
  const other = new FrameEncoder(8, [1], 0);
  other.encode(moment(1));
  assert.equal(decoder.decode(other.encode(moment(1))), undefined);
});
