import {
  Color,
  DirectionalLight,
  Fog,
  HemisphereLight,
  NeutralToneMapping,
  PCFShadowMap,
  PerspectiveCamera,
  PMREMGenerator,
  Scene as Root,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";
import type { Scene } from "../sim/scene.ts";
import { Ground } from "./ground.ts";
import type { Model } from "./model.ts";
import { QualityGovernor } from "./quality.ts";

/** WEBGL_debug_renderer_info's UNMASKED_RENDERER_WEBGL. */
const UNMASKED_RENDERER = 0x9246;
/** How much of the view's height the prompt and the playback bar cover on wide screens. */
const PROMPT_PX = 120;
const FIELD_OF_VIEW = 38;
const STILL_AFTER_MS = 300;
const ORBIT_STEP = Math.PI / 24;
const ZOOM_STEP = 1.12;

/** Where the picture is made: renderer, lights, ground and camera. z is up. */
export class Stage {
  /** Pictures drawn since the page was opened. */
  renderedFrames = 0;
  /** Whether the camera moves along with the scene's `camera.follow` body (or its first moving one). */
  following = false;

  readonly #renderer: WebGLRenderer;
  readonly #root = new Root();
  readonly #camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 5_000);
  readonly #controls: OrbitControls;
  readonly #key = new DirectionalLight("#fff1e0", 3.1);
  readonly #fill = new HemisphereLight("#ffffff", "#8f8a86", 0.9);
  readonly #rim = new DirectionalLight("#cfe0ff", 0.8);
  readonly #ground = new Ground();
  readonly #governor: QualityGovernor;
  #model: Model | undefined;
  #view: Scene["camera"];
  #followed = -1;
  readonly #followedAt = new Vector3();
  #framed = false;
  #dirty = true;
  #tickMs = 0;
  #drawnMs = -1;
  #still = false;

  /** Throws when the browser has no WebGL 2. */
  constructor(canvas: HTMLCanvasElement, frame: HTMLElement) {
    const software = drawsInSoftware();
    this.#governor = new QualityGovernor(software ? "low" : "high");
    this.#renderer = new WebGLRenderer({
      canvas,
      antialias: !software,
      alpha: true,
      powerPreference: "high-performance",
    });
    this.#renderer.setClearAlpha(0);
    this.#renderer.toneMapping = NeutralToneMapping;
    this.#renderer.toneMappingExposure = 1;
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;

    const pmrem = new PMREMGenerator(this.#renderer);
    const room = new RoomEnvironment();
    this.#root.environment = pmrem.fromScene(room, 0.04).texture;
    this.#root.environmentIntensity = 0.5;
    this.#root.environmentRotation.set(Math.PI / 2, 0, 0);
    room.dispose();
    pmrem.dispose();

    this.#key.castShadow = true;
    this.#key.shadow.bias = -0.0002;
    this.#root.add(this.#key, this.#key.target, this.#fill, this.#rim, this.#ground.mesh);

    this.#camera.up.set(0, 0, 1);
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.enableDamping = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#controls.dampingFactor = 0.09;
    this.#controls.maxPolarAngle = Math.PI * 0.52;
    this.#controls.addEventListener("change", () => this.invalidate());
    canvas.addEventListener("keydown", (event) => this.#onKey(event));

    new ResizeObserver(() => this.#resize(frame)).observe(frame);
    this.#resize(frame);
    this.#place(new Vector3(0, 0, 0.4), 5, -2.2, 0.3);
    this.#light(new Vector3(), 1, -2.2);
    this.#ground.place(0, 1);
    this.#applyQuality();
  }

  /** Shows another model, or none, and disposes of the one before. */
  show(model: Model | undefined, scene?: Scene): void {
    this.#model?.dispose();
    this.#model = model;
    this.#framed = false;
    this.#view = scene?.camera;
    this.#followed = scene ? followedBody(scene) : -1;
    this.following = scene?.camera?.follow !== undefined;
    if (model) this.#root.add(model.root);
    this.invalidate();
  }

  /** Takes a new pose; the first one of a model also frames it. */
  pose(positions: Float32Array, quaternions: Float32Array): void {
    if (!this.#model) return;
    this.#model.pose(positions, quaternions);
    if (!this.#framed) this.frame();
    this.#follow();
    this.invalidate();
  }

  /** Puts the camera where the scene wants it, or where everything is seen. */
  frame(): void {
    const model = this.#model;
    if (!model) return;
    this.#framed = true;
    const { center, radius } = model.bounds();
    const view = this.#view;
    const target = view ? new Vector3(...view.target) : center;
    const distance = view?.distance ?? (radius * 1.15) / Math.sin(((FIELD_OF_VIEW / 2) * Math.PI) / 180);
    this.#place(target, distance, view?.azimuth ?? 0.9, view?.elevation ?? 0.32);
    const body = model.position(this.#followed);
    if (body) {
      if (view?.follow !== undefined) this.#shift(new Vector3().subVectors(body, target));
      this.#followedAt.copy(body);
    }
    const size = Math.min(distance * 0.5, Math.max(radius, distance * 0.2));
    this.#ground.place(model.floor?.height ?? Math.min(0, center.z - radius), size);
    // What is seen, not what there is: a shadow map spread over a long course would be too coarse for a car on it.
    const lit = Math.min(Math.max(radius, distance * 0.3), distance * 0.55);
    this.#light(this.#controls.target, lit, view?.azimuth ?? 0.9);
    this.invalidate();
  }

  setFollowing(following: boolean): void {
    this.following = following;
    const body = this.#model?.position(this.#followed);
    if (following && body) this.#shift(new Vector3().subVectors(body, this.#controls.target));
    if (body) this.#followedAt.copy(body);
    this.invalidate();
  }

  /** Reads the palette from the page's tokens. */
  paint(): void {
    this.#ground.paint(token("--stage-ground"), token("--stage-grid"));
    this.#fill.color = token("--stage-fill");
    this.#root.fog = new Fog(token("--stage-fog"), 1, 1_000);
    this.#fogRange();
    this.invalidate();
  }

  invalidate(): void {
    this.#dirty = true;
  }

  /** Draws if anything has changed. Call it once an animation frame. */
  render(nowMs: number): void {
    this.#controls.update();
    const drewLast = this.#tickMs === this.#drawnMs;
    const tickMs = this.#tickMs;
    this.#tickMs = nowMs;
    if (!this.#dirty) {
      this.#drawStill(nowMs);
      return;
    }
    this.#dirty = false;
    this.#drawnMs = nowMs;
    if (this.#still) this.#applyQuality();
    this.#still = false;
    // Only between two pictures in a row does the time say what a picture costs.
    if (drewLast && this.#governor.measure(nowMs - tickMs)) this.#applyQuality();
    const { x, y } = this.#controls.target;
    this.#ground.centre(x, y);
    this.#draw();
  }

  /** Geometries and textures on the graphics card. */
  get memory(): { geometries: number; textures: number } {
    const { geometries, textures } = this.#renderer.info.memory;
    return { geometries, textures };
  }

  /** When nothing has moved for a moment, one picture at full resolution costs nobody anything. */
  #drawStill(nowMs: number): void {
    if (this.#still || nowMs - this.#drawnMs < STILL_AFTER_MS) return;
    this.#still = true;
    const ratio = Math.min(devicePixelRatio, 2);
    if (this.#renderer.getPixelRatio() >= ratio) return;
    this.#renderer.setPixelRatio(ratio);
    this.#draw();
  }

  #draw(): void {
    this.#renderer.render(this.#root, this.#camera);
    this.renderedFrames++;
  }

  // --- camera ---

  #place(target: Vector3, distance: number, azimuth: number, elevation: number): void {
    const narrow = Math.max(1, (1 / this.#camera.aspect) ** 0.85);
    const away = new Vector3(
      -Math.cos(elevation) * Math.cos(azimuth),
      -Math.cos(elevation) * Math.sin(azimuth),
      Math.sin(elevation),
    );
    this.#controls.target.copy(target);
    this.#camera.position.copy(target).addScaledVector(away, distance * narrow);
    this.#controls.minDistance = distance * 0.1;
    this.#controls.maxDistance = distance * 6;
    this.#camera.near = distance * 0.01;
    this.#camera.far = distance * 60;
    this.#camera.updateProjectionMatrix();
    this.#controls.update();
    this.#fogRange();
  }

  #shift(by: Vector3): void {
    this.#controls.target.add(by);
    this.#camera.position.add(by);
  }

  #follow(): void {
    const body = this.#model?.position(this.#followed);
    if (!body) return;
    if (this.following) {
      const moved = new Vector3().subVectors(body, this.#followedAt);
      this.#shift(moved);
      for (const each of [this.#key.position, this.#key.target.position]) each.add(moved);
    }
    this.#followedAt.copy(body);
  }

  #onKey(event: KeyboardEvent): void {
    const offset = new Vector3().subVectors(this.#camera.position, this.#controls.target);
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const tilt = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const zoom = { "+": 1 / ZOOM_STEP, "=": 1 / ZOOM_STEP, "-": ZOOM_STEP }[event.key];
    if (turn !== undefined) offset.applyAxisAngle(this.#camera.up, turn * ORBIT_STEP);
    else if (tilt !== undefined) {
      const side = new Vector3().crossVectors(offset, this.#camera.up).normalize();
      offset.applyAxisAngle(side, tilt * ORBIT_STEP);
    } else if (zoom !== undefined) offset.multiplyScalar(zoom);
    else return;
    event.preventDefault();
    this.#camera.position.copy(this.#controls.target).add(offset);
    this.#controls.update();
    this.invalidate();
  }

  // --- light, size, quality ---

  /** Aims the lights at a sphere: the key from over the viewer's right shoulder, the rim from behind. */
  #light(center: Vector3, radius: number, azimuth: number): void {
    const reach = radius * 1.5;
    const from = (turn: number, height: number) =>
      new Vector3(-Math.cos(azimuth + turn), -Math.sin(azimuth + turn), height).normalize();
    this.#key.target.position.copy(center);
    this.#key.position.copy(center).addScaledVector(from(0.75, 1.25), radius * 3.5);
    this.#rim.position.copy(from(2.6, 0.6));
    const { camera } = this.#key.shadow;
    camera.left = camera.bottom = -reach;
    camera.right = camera.top = reach;
    camera.near = radius * 0.2;
    camera.far = radius * 8;
    camera.updateProjectionMatrix();
    this.#key.shadow.normalBias = reach * 0.004;
  }

  #fogRange(): void {
    const distance = this.#camera.position.distanceTo(this.#controls.target);
    if (this.#root.fog instanceof Fog) {
      this.#root.fog.near = distance * 2.2;
      this.#root.fog.far = distance * 14;
    }
  }

  #resize(frame: HTMLElement): void {
    const { clientWidth, clientHeight } = frame;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#camera.aspect = clientWidth / clientHeight;
    // Beside panels the prompt lies over the lower part of the view: the middle of the picture moves up.
    const upPx = matchMedia("(min-width: 860px)").matches ? PROMPT_PX / 2 : 0;
    this.#camera.setViewOffset(clientWidth, clientHeight, 0, upPx, clientWidth, clientHeight);
    this.#renderer.setSize(clientWidth, clientHeight, false);
    // Resizing clears the canvas after this frame's drawing is done.
    this.#renderer.render(this.#root, this.#camera);
  }

  #applyQuality(): void {
    const { scale, pixelRatioMax, shadowMap } = this.#governor.quality;
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio * scale, pixelRatioMax));
    const { shadow } = this.#key;
    if (shadow.mapSize.width !== shadowMap) {
      shadow.mapSize.setScalar(shadowMap);
      // In texels: about as soft at every size.
      shadow.radius = 1 + shadowMap / 512;
      shadow.map?.dispose();
      shadow.map = null;
    }
    this.invalidate();
  }
}

function followedBody(scene: Scene): number {
  const wanted = scene.camera?.follow;
  return scene.bodies.findIndex((body) => (wanted === undefined ? body.joints.length > 0 : body.id === wanted));
}

/** Whether WebGL runs on the processor, as in a virtual machine: then everything costs fifty times as much. */
function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const name = String(gl?.getExtension("WEBGL_debug_renderer_info") && gl.getParameter(UNMASKED_RENDERER));
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** A colour token as it applies now, in dark or light. */
function token(name: string): Color {
  const swatch = document.createElement("i");
  swatch.style.color = `var(${name})`;
  document.body.append(swatch);
  const { color } = getComputedStyle(swatch);
  swatch.remove();
  return new Color(color);
}
