/** Sessions: messages, delays, broadcasts, memory, connects and frames, beside Socket.IO and bare floors. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Report } from "./report.ts";
import { Fleet } from "./sessions/fleet.ts";
import { type ClientName, SUBJECTS, type SubjectName } from "./sessions/subject.ts";

const SESSIONS = 200;
/** The same for every subject. With 10,000 undelivered, Socket.IO's stream is trimmed before it is read, and messages are lost. */
const SEND_BOUNDS = { inFlightMax: 1024, undeliveredMax: 4000 };
const MEMBERS = 1000;
const BROADCAST_BOUNDS = { inFlightMax: 4, undeliveredMax: 10 * MEMBERS };
const PACED_PER_SECOND = 2000;
const FRAME_CLIENTS = 500;
const FRAMES_PER_SECOND = 60;
/** How many connect at a time where it is not connecting that is measured. */
const CONNECT_AT_ONCE = 50;
const OPEN_FILES_MIN = 8192;

const ONE_FLOOR: SubjectName[] = ["holdfast", "socket.io", "floor: log"];

interface Question {
  subjects: readonly SubjectName[];
  /** Who is asked in a quick run. */
  quick: readonly SubjectName[];
  rounds: number;
  client?: ClientName;
  ask(fleet: Fleet): Promise<Figure[]>;
}

interface Figure {
  metric: string;
  unit: string;
  value: number;
}

/** In a quick run a fleet answers them in this order: memory while its heap is new, and who is in a room stays there. */
const QUESTIONS: Record<string, Question> = {
  memory: { subjects: SUBJECTS, quick: ONE_FLOOR, rounds: 3, ask: memory },
  connect: { subjects: SUBJECTS, quick: ONE_FLOOR, rounds: 5, ask: connect },
  rate: { subjects: SUBJECTS, quick: SUBJECTS, rounds: 5, ask: rate },
  delay: { subjects: SUBJECTS, quick: ONE_FLOOR, rounds: 3, ask: delay },
  // No Redis is in the way of a frame: the floors are one.
  frames: { subjects: ONE_FLOOR, quick: ONE_FLOOR, rounds: 3, ask: frames },
  broadcast: { subjects: SUBJECTS, quick: ONE_FLOOR, rounds: 3, ask: broadcast },
  client: { subjects: ["holdfast"], quick: [], rounds: 3, client: "holdfast, @holdfast/client", ask: client },
};

const report = new Report(
  "sessions",
  "Sessions: messages, delays, broadcasts, memory, connects and frames, beside Socket.IO and bare floors.",
  { QUESTION: Object.keys(QUESTIONS), SUBJECT: SUBJECTS },
);

const subjects = SUBJECTS.filter((subject) => report.chosen("SUBJECT").includes(subject));
const questions = Object.entries(QUESTIONS).filter(([name]) => report.chosen("QUESTION").includes(name));
const answers: (Figure & { subject: SubjectName })[] = [];

requireOpenFiles();
if (report.quick) {
  for (const subject of subjects)
    await askOf(
      subject,
      questions.filter(([, { quick }]) => quick.includes(subject)),
    );
} else {
  for (const [name, question] of questions)
    for (let round = 0; round < question.rounds; round++)
      for (const subject of turns(subjects, round))
        if (question.subjects.includes(subject)) await askOf(subject, [[name, question]]);
}
for (const [metric, ofMetric] of Map.groupBy(answers, (answer) => answer.metric))
  for (const subject of subjects) {
    const own = ofMetric.filter((answer) => answer.subject === subject);
    const raw = own.map(({ value }) => value);
    if (own[0]) report.add(subject, metric, own[0].unit, raw);
  }
report.print();
process.exit();

/** Asks fresh processes one question after the other; after a failure, others answer the rest. */
async function askOf(subject: SubjectName, asked: [name: string, question: Question][]): Promise<void> {
  for (let next = 0; next < asked.length; next++) {
    try {
      await using fleet = await Fleet.start(subject, asked[next]?.[1].client);
      for (; next < asked.length; next++) {
        const [name, { ask }] = asked[next]!;
        const started = performance.now();
        const figures = await ask(fleet);
        answers.push(...figures.map((figure) => ({ ...figure, subject })));
        const shown = figures.map(({ value, unit }) => `${Number(value.toPrecision(4))} ${unit}`).join(", ");
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        report.progress(`${name}, ${subject}: ${shown} (took ${seconds} s)`);
        await disconnectAll(fleet);
      }
    } catch (error) {
      process.exitCode = 1;
      const why = error instanceof Error ? error.message : error;
      report.progress(`${asked[next]?.[0]}, ${subject} FAILED: ${why}`);
    }
  }
}

// ---- the questions ----

/** Messages a second from server b to sessions on server a, and what they cost. */
async function rate(fleet: Fleet): Promise<Figure[]> {
  const { ids } = await connectTo(fleet, [fleet.ports.a], SESSIONS);
  await fleet.b.call("saturate", ids, SEND_BOUNDS);
  const seen = await watch(fleet, report.quick ? 250 : 2000, report.quick ? 500 : 5000);
  await verifyAll(fleet, 1);
  const metric = `messages to ${SESSIONS} sessions on another server`;
  return [
    { metric, unit: "messages/s", value: seen.messagesPerSecond },
    { metric: `${metric}: CPU`, unit: "s/100k", value: seen.cpuPer100k },
  ];
}

/** The same, received by `@holdfast/client`. */
async function client(fleet: Fleet): Promise<Figure[]> {
  const [seen] = await rate(fleet);
  return seen ? [{ ...seen, metric: `${seen.metric}, by @holdfast/client` }] : [];
}

async function delay(fleet: Fleet): Promise<Figure[]> {
  const { ids } = await connectTo(fleet, [fleet.ports.a], SESSIONS);
  await fleet.b.call("pace", ids, PACED_PER_SECOND);
  await sleep(report.quick ? 250 : 1500);
  await fleet.clients.call("recordDelays");
  await sleep(report.quick ? 500 : 5000);
  const { p50, p99 } = await fleet.clients.call("delays");
  await verifyAll(fleet, 1);
  const metric = `delay at ${PACED_PER_SECOND.toLocaleString("en")} messages/s`;
  return [
    { metric: `${metric}: p50`, unit: "ms", value: p50 },
    { metric: `${metric}: p99`, unit: "ms", value: p99 },
  ];
}

/** Half of the room's members are on either server. */
async function broadcast(fleet: Fleet): Promise<Figure[]> {
  await Promise.all([fleet.a.call("joinRoom"), fleet.b.call("joinRoom")]);
  await connectTo(fleet, [fleet.ports.a, fleet.ports.b], MEMBERS);
  await Promise.all([fleet.a.call("joined", MEMBERS / 2), fleet.b.call("joined", MEMBERS / 2)]);
  await fleet.b.call("broadcast", MEMBERS, BROADCAST_BOUNDS);
  const seen = await watch(fleet, report.quick ? 250 : 1500, report.quick ? 500 : 4000);
  await verifyAll(fleet, MEMBERS);
  const metric = `broadcast to ${MEMBERS.toLocaleString("en")} on two servers`;
  return [
    { metric, unit: "deliveries/s", value: seen.messagesPerSecond },
    { metric: `${metric}: CPU`, unit: "s/100k", value: seen.cpuPer100k },
  ];
}

async function memory(fleet: Fleet): Promise<Figure[]> {
  const [first, more] = report.quick ? [200, 1000] : [1000, 5000];
  await connectTo(fleet, [fleet.ports.a], first);
  await sleep(report.quick ? 100 : 1000);
  const before = await fleet.a.call("residentBytes");
  await connectTo(fleet, [fleet.ports.a], more);
  await sleep(report.quick ? 100 : 1000);
  const after = await fleet.a.call("residentBytes");
  return [
    {
      metric: `memory a connection, from ${first.toLocaleString("en")} to ${(first + more).toLocaleString("en")}`,
      unit: "KB",
      value: (after - before) / more / 1024,
    },
  ];
}

/** Until the last of a herd is connected, and sends would reach it. */
async function connect(fleet: Fleet): Promise<Figure[]> {
  const herd = report.quick ? 500 : 2000;
  await connectTo(fleet, [fleet.ports.a], 100);
  await disconnectAll(fleet);
  const { milliseconds } = await fleet.clients.call("connect", [fleet.ports.a], herd, herd);
  return [{ metric: `${herd.toLocaleString("en")} connect at once`, unit: "ms", value: milliseconds }];
}

/** Frames from a server to its own clients, which may be dropped but not overtake each other. */
async function frames(fleet: Fleet): Promise<Figure[]> {
  const { ids } = await connectTo(fleet, [fleet.ports.a], FRAME_CLIENTS);
  await fleet.a.call("frames", ids, FRAMES_PER_SECOND);
  const seen = await watch(fleet, report.quick ? 250 : 1500, report.quick ? 500 : 5000);
  await fleet.a.call("stop");
  await verify(fleet, 0);
  const metric = `frames to ${FRAME_CLIENTS} clients, ${FRAMES_PER_SECOND} a second each`;
  return [
    { metric, unit: "frames/s", value: seen.framesPerSecond },
    { metric: `${metric}: CPU`, unit: "s/100k", value: seen.cpuPer100k },
  ];
}

// ---- what they share ----

function connectTo(fleet: Fleet, ports: number[], count: number) {
  return fleet.clients.call("connect", ports, count, CONNECT_AT_ONCE);
}

async function watch(fleet: Fleet, warmUpMs: number, milliseconds: number) {
  await sleep(warmUpMs);
  const from = await fleet.read();
  await sleep(milliseconds);
  const to = await fleet.read();
  const seconds = (to.atMs - from.atMs) / 1000;
  const messages = to.messages - from.messages;
  const frames = to.frames - from.frames;
  return {
    messagesPerSecond: messages / seconds,
    framesPerSecond: frames / seconds,
    cpuPer100k: ((to.cpuSeconds - from.cpuSeconds) / (messages + frames)) * 100_000,
  };
}

/** Stops server b's sends, each with so many deliveries, and verifies them. */
async function verifyAll(fleet: Fleet, deliveriesPerSend: number): Promise<void> {
  await verify(fleet, (await fleet.b.call("stop")) * deliveriesPerSend);
}

/** Throws unless every client has received each message once, in order, and so many came in all. */
async function verify(fleet: Fleet, expected: number): Promise<void> {
  const wrong = await fleet.clients.call("verify", expected);
  if (wrong.length > 0) throw new Error(wrong.join("; "));
}

async function disconnectAll(fleet: Fleet): Promise<void> {
  await fleet.clients.call("closeAll");
  await sleep(report.quick ? 100 : 300);
}

/** The order of subjects in a round: turned around every time, and starting elsewhere every other time. */
function turns<T>(subjects: readonly T[], round: number): T[] {
  const start = round % Math.max(1, subjects.length);
  const rotated = [...subjects.slice(start), ...subjects.slice(0, start)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}

function requireOpenFiles(): void {
  const [, , hard] = readFileSync("/proc/self/limits", "utf8").match(/^Max open files\s+(\w+)\s+(\w+)/m) ?? [];
  if (hard === "unlimited" || Number(hard) >= OPEN_FILES_MIN) return;
  console.error(`open files: expected a hard limit of at least ${OPEN_FILES_MIN}, got ${hard}: ulimit -Hn, as root`);
  process.exit(2);
}
