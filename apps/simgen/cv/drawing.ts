/** In a drawing's own units, such as pixels: x to the right, y down. */
export type Point = readonly [x: number, y: number];

/** Words in a drawing: typed there, or read from it. */
export interface DrawingText {
  text: string;
  /** Its middle. */
  at: Point;
}

/** What a person drew: pen strokes in the order in which they came, each a line through its points. */
export interface Drawing {
  width: number;
  height: number;
  strokes: readonly (readonly Point[])[];
  texts: readonly DrawingText[];
}
