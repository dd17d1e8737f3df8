import type { SimulationView, StatusMessage, ToClient } from "../server/messages.ts";
import type { Picture } from "../server/picture.ts";
import { api, asApiError, type NewSimulation, type SimulationWithScene } from "./api.ts";
import { Badge } from "./badge.ts";
import { closeNotice } from "./close-notice.ts";
import { Composer } from "./composer.ts";
import { createConnection } from "./connection.ts";
import { Controls } from "./controls.ts";
import { Cover, type CoverMessage } from "./cover.ts";
import { byId } from "./element.ts";
import { Gallery } from "./gallery.ts";
import { Heading } from "./heading.ts";
import { Maker } from "./maker.ts";
import { Meters } from "./meters.ts";
import { Mine } from "./mine.ts";
import { notes, section } from "./notes.ts";
import { showConnection } from "./pill.ts";
import { openToTests } from "./probe.ts";
import { Readouts } from "./readouts.ts";
import { listenForShortcuts, wireShortcutList } from "./shortcuts.ts";
import { Pad } from "./sketch/pad.ts";
import { Stage } from "./stage.ts";
import { wireTheme } from "./theme.ts";
import { toast } from "./toast.ts";
import { Transport } from "./transport.ts";
import { Viewer } from "./viewer.ts";

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

/** Of the page's start: the sketch pad. */
const SKETCH = "#sketch";

const layout = byId("layout", HTMLElement);
const inspector = byId("inspector", HTMLElement);
const fps = byId("fps", HTMLParagraphElement);

const cover = new Cover(byId("cover", HTMLDivElement));
const stage = makeStage();
const viewer = stage && new Viewer(stage);
const composer = new Composer({ run, stop, sketch: () => (pad.isOpen ? goHome() : goTo(`/${SKETCH}`)) });
const pad = new Pad({ failed: (error) => composer.fail(error), left: goHome });
const transport = new Transport({
  pause: togglePause,
  reset,
  follow: toggleFollow,
  recentre: () => stage?.frame(),
  editSketch,
});
const gallery = new Gallery(byId("templates", HTMLUListElement), ({ id }) => maker.make({ template: id }));
const mine = new Mine(byId("mine", HTMLUListElement), { open: (id) => show(id), remove });
const heading = new Heading();
const meters = new Meters(fps);
const badge = new Badge(byId("badges", HTMLDivElement));

let open: Open | undefined;
/** What the page wants to show; `open` follows when it has come. */
let wanted: string | undefined;
/** Why the session is over for good. */
let ended: CoverMessage | undefined;
let roundTripMs = 0;
let speedPercent = 100;

// The first answer brings the visitor's cookie; whatever is asked before it comes would be asked by somebody else.
const identified = loadMine();
const connection = createConnection(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, {
  state: showConnection,
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
const maker = new Maker({ composer, gallery }, identified, () => connection.id, { made });

wire();
requestAnimationFrame(tick);
identified.then(() => {
  loadTemplates();
  navigate();
  connection.open();
});

// --- what happens ---

/** Runs the sketch, if the pad is open; else the prompt. */
async function run(prompt: string, attached: Promise<Picture | undefined>): Promise<void> {
  if (!pad.isOpen) return maker.make({ prompt }, attached);
  try {
    const sketch = pad.input(await attached);
    await maker.make({ sketch, ...(prompt === "" ? {} : { prompt }) });
  } catch (error) {
    composer.fail(asApiError(error));
  }
}

function made(simulation: SimulationWithScene, input: NewSimulation, picture: Picture | undefined): void {
  if ("prompt" in input || "sketch" in input) composer.made(input.prompt ?? "", picture);
  if ("sketch" in input) pad.made(simulation.id);
  mine.add(simulation);
  history.pushState(null, "", `/s/${simulation.id}`);
  begin(simulation);
  // On a phone the templates lie below the view.
  byId("frame", HTMLDivElement).scrollIntoView({ block: "nearest" });
}

function stop(): void {
  if (maker.stop()) toast("Stopped.");
}

/** Opens a simulation of the visitor's own by its address. */
function show(id: string): void {
  goTo(`/s/${id}`);
}

/** Shows what the address names. */
async function navigate(): Promise<void> {
  const id = /^\/s\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  if (id !== undefined && id === open?.view.id) return;
  end();
  composer.fail(undefined);
  if (id === undefined) {
    if (location.pathname !== "/") return notFound("There is no such page.");
    return location.hash === SKETCH ? sketch() : invite();
  }
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
  heading.show(simulation);
  for (const each of [inspector, fps]) each.hidden = false;
  transport.show(simulation.planner === "cv" && pad.knows(simulation.id));
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
  transport.following(stage?.following ?? false);
}

/** Leaves the open simulation, or the sketch pad. */
function end(): void {
  pad.close();
  composer.sketching(false);
  if (open) connection.unwatch();
  open = undefined;
  wanted = undefined;
  viewer?.close();
  badge.show("empty", 100);
  document.title = "SimGen";
  heading.hide();
  for (const each of [inspector, fps]) each.hidden = true;
  transport.hide();
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
      transport.paused(message.state === "paused");
      if (message.state === "unstable" || message.state === "stopped") stopped(message.state, message.message);
      return;
    case "progress":
      maker.progress(message);
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
  goTo("/");
}

function goTo(address: string): void {
  history.pushState(null, "", address);
  navigate();
}

// --- what is shown instead of a simulation ---

function invite(): void {
  layout.dataset.state = "empty";
  if (viewer) cover.empty(composer.chips(EXAMPLES), () => goTo(`/${SKETCH}`));
}

function sketch(): void {
  layout.dataset.state = "sketch";
  document.title = "Sketch – SimGen";
  cover.clear();
  composer.sketching(true);
  pad.open();
}

function editSketch(): void {
  if (open) pad.edit(open.view.id);
  goTo(`/${SKETCH}`);
}

function notFound(detail: string): void {
  end();
  cover.lost("This simulation is not here", detail, { label: "Make a new one", run: goHome });
}

function failed(title: string, detail: string, run: () => void): void {
  cover.failed(title, detail, { label: "Try again", run });
}

function stopped(state: "unstable" | "stopped", detail = "The physics engine could not go on."): void {
  const title = state === "unstable" ? "The simulation became unstable" : "The simulation stopped";
  cover.failed(title, detail, { label: "Back to the start", run: reset });
}

// --- playback ---

function togglePause(): void {
  if (!open) return;
  const type = open.state === "paused" ? "resume" : "pause";
  if (!connection.send({ type, simulation: open.view.id })) return;
  open.state = type === "pause" ? "paused" : "running";
  transport.paused(type === "pause");
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
  transport.following(stage.following);
}

function tick(nowMs: number): void {
  if (viewer && stage) {
    viewer.draw(nowMs);
    if (viewer.scene) transport.time(viewer.step * viewer.scene.timestep);
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
  wireTheme(byId("theme", HTMLButtonElement), () => {
    stage?.paint();
    pad.repaint();
  });
  const listShortcuts = wireShortcutList();
  byId("home", HTMLAnchorElement).addEventListener("click", (event) => {
    event.preventDefault();
    goHome();
  });
  addEventListener("popstate", () => navigate());
  listenForShortcuts({
    " ": togglePause,
    r: reset,
    f: toggleFollow,
    "/": () => composer.focus(),
    "?": listShortcuts,
    escape: stop,
  });
  openToTests(viewer, stage, pad);
}
