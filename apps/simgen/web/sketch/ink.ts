import type { DrawingText, Point } from "../../cv/drawing.ts";
import { middle } from "./path.ts";
import { PAPER, type Sketch, type Stroke } from "./sketch.ts";

const LINE_WIDTH = 3.2;
/** How much wider a pen writes that is pressed as hard as it can be. */
const PRESSED = 0.9;
export const TEXT_SIZE = 24;
/** Of a letter, as a share of its height. */
export const LETTER_WIDTH = 0.58;

/** Paints strokes and words, as sharp as the screen, in the canvas's own `color` and `font-family`. */
export class Ink {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D | null;
  #sketch: Pick<Sketch, "strokes" | "texts"> = { strokes: [], texts: [] };
  #color = "";
  #font = "";

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    const observer = new ResizeObserver(([entry]) => {
      if (!entry || entry.contentRect.width === 0) return;
      const { contentRect, devicePixelContentBoxSize } = entry;
      const exact = devicePixelContentBoxSize?.[0];
      this.#resize(
        devicePixels(contentRect.width, exact?.inlineSize),
        devicePixels(contentRect.height, exact?.blockSize),
      );
    });
    try {
      observer.observe(canvas, { box: "device-pixel-content-box" });
    } catch {
      // Safari does not tell; what it rounds to is near enough.
      observer.observe(canvas);
    }
  }

  show(sketch: Pick<Sketch, "strokes" | "texts">): void {
    this.#sketch = sketch;
    this.repaint();
  }

  /** In the colours of now. */
  repaint(): void {
    const { color, fontFamily } = getComputedStyle(this.#canvas);
    this.#color = color;
    this.#font = `${TEXT_SIZE}px ${fontFamily}`;
    this.#paint(({ width, height }) => this.#context?.clearRect(0, 0, width, height));
    for (const stroke of this.#sketch.strokes) this.add(stroke, 0);
    for (const text of this.#sketch.texts) this.#write(text);
  }

  /** Paints what a stroke has got since it had `from` points. */
  add({ points, pressures }: Omit<Stroke, "id">, from: number): void {
    this.#paint((_, context) => {
      const isEven = pressures === undefined;
      context.lineWidth = LINE_WIDTH;
      context.beginPath();
      for (let at = Math.max(0, from - 1); at < points.length; at++) {
        if (!isEven) {
          context.beginPath();
          context.lineWidth = LINE_WIDTH * (1 + PRESSED * ((pressures[at] ?? 0.5) - 0.4));
        }
        pathPiece(context, points, at);
        if (!isEven) context.stroke();
      }
      if (isEven) context.stroke();
    });
  }

  #write({ text, at: [x, y] }: DrawingText): void {
    this.#paint((_, context) => context.fillText(text, x, y));
  }

  #resize(width: number, height: number): void {
    if (width === this.#canvas.width && height === this.#canvas.height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.repaint();
  }

  #paint(work: (paper: typeof PAPER, context: CanvasRenderingContext2D) => void): void {
    const context = this.#context;
    if (!context) return;
    const { width, height } = this.#canvas;
    context.setTransform(width / PAPER.width, 0, 0, height / PAPER.height, 0, 0);
    context.strokeStyle = this.#color;
    context.fillStyle = this.#color;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.font = this.#font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    work(PAPER, context);
  }
}

/** What a browser calls exact is not on a screen that is only emulated. */
function devicePixels(size: number, exact: number | undefined): number {
  const about = size * devicePixelRatio;
  return exact !== undefined && Math.abs(exact - about) <= 1 ? exact : Math.round(about);
}

/** From halfway before a point to halfway after it, bent at the point itself; the ends go all the way. */
function pathPiece(context: CanvasRenderingContext2D, points: readonly Point[], at: number): void {
  const point = points[at]!;
  const before = points[at - 1];
  const after = points[at + 1];
  context.moveTo(...(before ? middle(before, point) : point));
  if (before && after) context.quadraticCurveTo(...point, ...middle(point, after));
  else context.lineTo(...(after ? middle(point, after) : point));
}
