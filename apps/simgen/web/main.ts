import type { SimulationView, StatusMessage, ToClient } from "../server/messages.ts";
import type { Picture } from "../server/picture.ts";
import { api, asApiError, type NewSimulation, type SimulationWithScene } from "./api.ts";
import { Badge } from "./badge.ts";
import { closeNotice } from "./close-notice.ts";
import { Composer } from "./composer.ts";
import { type ConnectionState, createConnection } from "./connection.ts";
import { Controls } from "./controls.ts";
import { Cover, type CoverMessage } from "./cover.ts";
import { byId, icon } from "./element.ts";
import { Gallery } from "./gallery.ts";
import { Meters } from "./meters.ts";
import { Mine } from "./mine.ts";
import { notes, section } from "./notes.ts";
import { Readouts } from "./readouts.ts";
import { listenForShortcuts } from "./shortcuts.ts";
import { Stage } from "./stage.ts";
import { wireTheme } from "./theme.ts";
import { toast } from "./toast.ts";
import { type Shown, Viewer } from "./viewer.ts";

declare global {
  interface Window {
    /** What tests read: poses as shown, not as last received. */
    simgen: {
      pose(bodyId: string): Shown | undefined;
      step(): number;
      renderedFrames(): number;
      memory(): { geometries: number; textures: number };
    };
  }
}

const EXAMPLES = [
  "Two red pendulums of 50 cm",
  "A tower of ten wooden blocks",
  "A steel ball rolling down a 20° ramp",
  "A double pendulum of 1 m",
];

/** The simulation that is open, and the pieces of the page that belong to it. */
interface Open {
  view: SimulationView;
  controls?: Controls;
  readouts?: Readouts;
  state: StatusMessage["state"];
}

/** What is being made. */
interface Making {
  stopping: AbortController;
  /** Which of this page's sessions is told how far it has got. */
  session: string | undefined;
}

const CONNECTION_TEXT: Record<ConnectionState, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
  closed: "Disconnected",
};

const layout = byId("layout", HTMLElement);
const inspector = byId("inspector", HTMLElement);
const heading = byId("heading", HTMLDivElement);
const transport = byId("transport", HTMLDivElement);
const pauseButton = byId("pause", HTMLButtonElement);
const followButton = byId("follow", HTMLButtonElement);
const clock = byId("clock", HTMLOutputElement);
const fps = byId("fps", HTMLParagraphElement);
const pill = byId("connection", HTMLParagraphElement);

const cover = new Cover(byId("cover", HTMLDivElement));
const stage = makeStage();
const viewer = stage && new Viewer(stage);
const composer = new Composer({ run: (prompt, picture) => create({ prompt }, picture), stop });
const gallery = new Gallery(byId("templates", HTMLUListElement), ({ id }) => create({ template: id }));
const mine = new Mine(byId("mine", HTMLUListElement), { open: (id) => show(id), remove });
const meters = new Meters(fps);
const badge = new Badge(byId("badges", HTMLDivElement));

let open: Open | undefined;
/** One at a time: another takes its place. */
let making: Making | undefined;
/** What the page wants to show; `open` follows when it has come. */
let wanted: string | undefined;
/** Why the session is over for good. */
let ended: CoverMessage | undefined;
let roundTripMs = 0;
let speedPercent = 100;

// The first answer brings the visitor's cookie; whatever is asked before it comes would be asked by somebody else.
const identified = loadMine();
const connection = createConnection(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, {
  state(state) {
    pill.dataset.state = state;
    pill.textContent = CONNECTION_TEXT[state];
  },
  resumed: (afterMs) => toast(`Resumed after ${(afterMs / 1000).toFixed(1)} s.`),
  gap: () => toast("Connected again. What you did while the line was down may be lost.", "bad"),
  closed(code) {
    ended = closeNotice(code);
    cover.message(ended);
  },
  roundTrip(ms) {
    roundTripMs = roundTripMs === 0 ? ms : roundTripMs * 0.7 + ms * 0.3;
  },
  message: receive,
  frame(bytes) {
    const frame = viewer?.take(bytes, performance.now());
    if (!frame) return;
    meters.received();
    speedPercent = frame.speedPercent;
    if (frame.sensors) open?.readouts?.show(frame.sensors);
    if (open) cover.clear();
  },
});

wire();
requestAnimationFrame(tick);
identified.then(() => {
  loadTemplates();
  navigate();
  connection.open();
});

// --- what happens ---

/** Makes a simulation and opens it. */
async function create(input: NewSimulation, attached?: Promise<Picture | undefined>): Promise<void> {
  making?.stopping.abort();
  const own: Making = { stopping: new AbortController(), session: undefined };
  making = own;
  composer.busy(true);
  composer.fail(undefined);
  gallery.busy("template" in input ? input.template : undefined);
  try {
    const [picture] = await Promise.all([attached, identified]);
    if (making !== own) return;
    own.session = connection.id;
    const made = await api.create(
      { ...input, ...(picture && { picture }), ...(own.session === undefined ? {} : { session: own.session }) },
      own.stopping.signal,
    );
    if (making !== own) return;
    if ("prompt" in input) composer.made(input.prompt, picture);
    mine.add(made);
    history.pushState(null, "", `/s/${made.id}`);
    begin(made);
    // On a phone the templates lie below the view.
    byId("frame", HTMLDivElement).scrollIntoView({ block: "nearest" });
  } catch (error) {
    if (making === own) composer.fail(asApiError(error));
  } finally {
    if (making === own) idle();
  }
}

/** Gives up what is being made; the server does so too. */
function stop(): void {
  if (!making) return;
  making.stopping.abort();
  idle();
  toast("Stopped.");
}

function idle(): void {
  making = undefined;
  composer.busy(false);
  gallery.busy(undefined);
}

/** Opens a simulation of the visitor's own by its address. */
function show(id: string): void {
  history.pushState(null, "", `/s/${id}`);
  navigate();
}

/** Shows what the address names. */
async function navigate(): Promise<void> {
  const id = /^\/s\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  if (id !== undefined && id === open?.view.id) return;
  end();
  composer.fail(undefined);
  if (id === undefined) return location.pathname === "/" ? invite() : notFound("There is no such page.");
  wanted = id;
  layout.dataset.state = "open";
  cover.loading("Opening the simulation");
  try {
    const found = await api.simulation(decodeURIComponent(id));
    if (wanted === id) begin(found);
  } catch (error) {
    if (wanted !== id) return;
    const problem = asApiError(error);
    if (problem.status === 404) notFound("It was deleted, or it belongs to somebody else: simulations are private.");
    else failed(problem.title, problem.message, () => navigate());
  }
}

function begin(simulation: SimulationWithScene): void {
  end();
  wanted = simulation.id;
  open = { view: simulation, state: "running" };
  layout.dataset.state = "open";
  document.title = `${simulation.name} – SimGen`;
  byId("name", HTMLHeadingElement).textContent = simulation.name;
  byId("origin", HTMLParagraphElement).textContent = simulation.prompt ?? originOf(simulation);
  byId("maker", HTMLParagraphElement).textContent = makerOf(simulation);
  for (const each of [heading, transport, inspector, fps]) each.hidden = false;
  mine.mark(simulation.id);
  if (ended) cover.message(ended);
  else cover.loading("Starting the physics");
  showScene(simulation.scene);
  connection.watch(simulation.id);
}

function showScene(scene: SimulationWithScene["scene"]): void {
  if (!open) return;
  const { id } = open.view;
  const controls = new Controls(scene, (actuator, value) =>
    connection.send({ type: "control", simulation: id, actuator, value }),
  );
  const readouts = new Readouts(scene);
  open.controls = controls;
  open.readouts = readouts;
  inspector.replaceChildren(
    ...(scene.actuators.length > 0 ? [section("Controls", controls.root)] : []),
    ...(scene.sensors.length > 0 ? [section("Sensors", readouts.root)] : []),
    ...notes(open.view),
  );
  inspector.hidden = inspector.childElementCount === 0;
  layout.toggleAttribute("data-plain", inspector.hidden);
  if (!viewer) return;
  viewer.open(scene);
  showFollowing();
}

/** Leaves the open simulation. */
function end(): void {
  if (open) connection.unwatch();
  open = undefined;
  wanted = undefined;
  viewer?.close();
  badge.show("empty", 100);
  document.title = "SimGen";
  for (const each of [heading, transport, inspector, fps]) each.hidden = true;
  mine.mark(undefined);
}

function receive(message: ToClient): void {
  switch (message.type) {
    case "simulation":
      if (message.simulation.id !== open?.view.id) return;
      if (viewer?.join(message.run)) toast("The simulation started again from its beginning.");
      return;
    case "status":
      if (!open || message.simulation !== open.view.id) return;
      open.state = message.state;
      open.controls?.show(message.controls);
      showPaused(message.state === "paused");
      if (message.state === "unstable" || message.state === "stopped") stopped(message.state, message.message);
      return;
    case "progress":
      // Somebody with this visitor's cookie may have named this session; only what this page asked for is shown.
      if (making?.session !== undefined && making.session === connection.id) composer.progress(message);
      return;
    case "error":
      if (message.simulation !== undefined && message.simulation !== wanted) return;
      if (message.code === "simulation_not_found") notFound("It was deleted, or it belongs to somebody else.");
      // It has ended, or the session is a new one in which something was sent before it could be watched again.
      else if (message.code === "simulation_not_running" && open) connection.watch(open.view.id);
      else if (open && isStill()) {
        const { id } = open.view;
        failed("The simulation did not start", message.message, () => connection.watch(id));
      } else toast(message.message, "bad");
      return;
  }
}

/** Nothing is to be seen yet, or no longer. */
function isStill(): boolean {
  const state = viewer?.state(performance.now());
  return state === "empty" || state === "stalled";
}

async function remove(id: string): Promise<boolean> {
  try {
    await api.remove(id);
  } catch (error) {
    const problem = asApiError(error);
    if (problem.status !== 404) {
      toast(`${problem.title}. ${problem.message}`, "bad");
      return false;
    }
  }
  toast("Deleted.");
  if (id === wanted) goHome();
  return true;
}

function goHome(): void {
  history.pushState(null, "", "/");
  navigate();
}

// --- what is shown instead of a simulation ---

function invite(): void {
  layout.dataset.state = "empty";
  if (viewer) cover.empty(composer.chips(EXAMPLES));
}

function notFound(detail: string): void {
  end();
  const action = { label: "Make a new one", run: goHome };
  cover.message({ symbol: "lost", title: "This simulation is not here", detail, action });
}

function failed(title: string, detail: string, run: () => void): void {
  cover.message({ symbol: "warning", title, detail, action: { label: "Try again", run } });
}

function stopped(state: "unstable" | "stopped", detail = "The physics engine could not go on."): void {
  const title = state === "unstable" ? "The simulation became unstable" : "The simulation stopped";
  cover.message({ symbol: "warning", title, detail, action: { label: "Back to the start", run: reset } });
}

// --- playback ---

function togglePause(): void {
  if (!open) return;
  const type = open.state === "paused" ? "resume" : "pause";
  if (!connection.send({ type, simulation: open.view.id })) return;
  open.state = type === "pause" ? "paused" : "running";
  showPaused(type === "pause");
}

function reset(): void {
  if (!open || !connection.send({ type: "reset", simulation: open.view.id })) return;
  open.controls?.reset();
  open.readouts?.clear();
  cover.clear();
}

function toggleFollow(): void {
  if (!open || !stage) return;
  stage.setFollowing(!stage.following);
  showFollowing();
}

function showPaused(paused: boolean): void {
  const label = paused ? "Resume" : "Pause";
  if (pauseButton.dataset.label === label) return;
  pauseButton.dataset.label = label;
  pauseButton.title = `${label} (Space)`;
  pauseButton.replaceChildren(icon(paused ? "play" : "pause"), label);
}

function showFollowing(): void {
  followButton.setAttribute("aria-pressed", String(stage?.following ?? false));
}

function tick(nowMs: number): void {
  if (viewer && stage) {
    viewer.draw(nowMs);
    if (viewer.scene) {
      const text = `${(viewer.step * viewer.scene.timestep).toFixed(2)} s`;
      if (clock.value !== text) clock.value = text;
    }
    meters.tick(nowMs, stage.renderedFrames, roundTripMs / 2 + viewer.delayMs);
    badge.show(open ? viewer.state(nowMs) : "empty", speedPercent);
  }
  requestAnimationFrame(tick);
}

// --- setting up ---

function makeStage(): Stage | undefined {
  try {
    return new Stage(byId("view", HTMLCanvasElement), byId("frame", HTMLDivElement));
  } catch {
    cover.message({
      symbol: "warning",
      title: "This browser cannot draw in 3D",
      detail: "SimGen needs WebGL 2. Turn on hardware acceleration, or use a recent Chrome, Edge, Firefox or Safari.",
    });
    return undefined;
  }
}

async function loadMine(): Promise<void> {
  try {
    mine.show(await api.simulations());
  } catch (error) {
    toast(asApiError(error).title, "bad");
    mine.show([]);
  }
}

async function loadTemplates(): Promise<void> {
  try {
    gallery.show(await api.templates());
  } catch {
    gallery.fail(loadTemplates);
  }
}

function wire(): void {
  wireTheme(byId("theme", HTMLButtonElement), () => stage?.paint());
  const shortcuts = byId("shortcuts", HTMLDialogElement);
  shortcuts.addEventListener("click", (event) => {
    if (event.target === shortcuts) shortcuts.close();
  });
  byId("help", HTMLButtonElement).addEventListener("click", () => shortcuts.showModal());
  byId("home", HTMLAnchorElement).addEventListener("click", (event) => {
    event.preventDefault();
    goHome();
  });
  pauseButton.addEventListener("click", togglePause);
  byId("reset", HTMLButtonElement).addEventListener("click", reset);
  byId("recentre", HTMLButtonElement).addEventListener("click", () => stage?.frame());
  followButton.addEventListener("click", toggleFollow);
  showPaused(false);
  addEventListener("popstate", () => navigate());
  listenForShortcuts({
    " ": togglePause,
    r: reset,
    f: toggleFollow,
    "/": () => composer.focus(),
    "?": () => shortcuts.showModal(),
    escape: stop,
  });
  window.simgen = {
    pose: (bodyId) => viewer?.pose(bodyId),
    step: () => viewer?.step ?? 0,
    renderedFrames: () => stage?.renderedFrames ?? 0,
    memory: () => stage?.memory ?? { geometries: 0, textures: 0 },
  };
}

/** Of a prompt. */
function makerOf({ planner, model }: SimulationView): string {
  return model !== null ? `Planned by ${model}` : planner === "rules" ? "Planned by rules" : "";
}

function originOf({ planner }: SimulationView): string {
  return planner === "template" ? "From a template" : planner === "cv" ? "From a sketch" : "From a scene";
}
