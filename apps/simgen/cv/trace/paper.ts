import type { GreyImage } from "./grey-image.ts";

/** How much darker than the paper around it every pixel is. */
export interface Contrast {
  width: number;
  height: number;
  /** `PAPER` where it is as bright as the paper, 255 where it is black. */
  levels: Uint8Array;
}

/** Below it is what is brighter than the paper: noise. */
export const PAPER = 24;
/** Dark things wider than this share of the longer side are no lines, but shade or filled shapes. */
const LINE_WIDTH_SHARE = 0.064;
const LINE_WIDTH_MIN_PX = 24;
/** Of the paper around, up to a width of this share, shade leaves more light than this; what is darker is filled. */
const FILLED_WIDTH_SHARE = 0.4;
const SHADE_LIGHT = 0.7;
/** Cells that are one in looking for these. */
const COARSE_CELLS = 4;
const SMALL_IMAGE_PX = 500;
/** So that 255 times the greatest factor is below 2 to the 31. */
const FRACTION_BITS = 14;
/** Farther than a line is wide, in cells. */
const ASIDE = 3;

/**
 * Finds the paper under the ink by a morphological closing, which fills dark things up to some width and follows shadows as
 * they are. A board with chalk on it is turned into paper with ink.
 */
export function contrastOf(image: GreyImage): Contrast {
  const longer = Math.max(image.width, image.height);
  const cellPx = longer > SMALL_IMAGE_PX ? 4 : 2;
  const reach = Math.ceil(Math.max(LINE_WIDTH_MIN_PX, LINE_WIDTH_SHARE * longer) / cellPx / 2);
  const cells = cellsOf(image, cellPx, reach);
  const isBoard = isBoardIn(cells);
  if (isBoard) for (let i = 0; i < cells.values.length; i++) cells.values[i]! ^= 255;
  const paper = closing(cells, reach);
  fillShapes(paper, Math.ceil((FILLED_WIDTH_SHARE * longer) / cellPx / COARSE_CELLS / 2));
  return { width: image.width, height: image.height, levels: levelsOn(paper, image, isBoard) };
}

/** Means of squares of pixels, with a margin all around that repeats the border. */
interface Cells {
  cellPx: number;
  margin: number;
  columns: number;
  rows: number;
  values: Uint8Array;
}

function cellsOf({ width, height, pixels }: GreyImage, cellPx: number, margin: number): Cells {
  const innerColumns = Math.ceil(width / cellPx);
  const innerRows = Math.ceil(height / cellPx);
  const columns = innerColumns + 2 * margin;
  const rows = innerRows + 2 * margin;
  const values = new Uint8Array(columns * rows);
  const sums = new Uint32Array(innerColumns);
  for (let row = 0; row < innerRows; row++) {
    sums.fill(0);
    const top = row * cellPx;
    const bottom = Math.min(top + cellPx, height);
    for (let y = top; y < bottom; y++)
      for (let column = 0, x = y * width; column < innerColumns; column++) {
        const end = y * width + Math.min((column + 1) * cellPx, width);
        let sum = 0;
        while (x < end) sum += pixels[x++]!;
        sums[column]! += sum;
      }
    const out = (row + margin) * columns;
    for (let column = 0; column < innerColumns; column++) {
      const right = Math.min((column + 1) * cellPx, width);
      values[out + margin + column] = Math.round(sums[column]! / ((right - column * cellPx) * (bottom - top)));
    }
    values.fill(values[out + margin]!, out, out + margin);
    values.fill(values[out + margin + innerColumns - 1]!, out + margin + innerColumns, out + columns);
  }
  for (let row = 0; row < margin; row++) {
    values.copyWithin(row * columns, margin * columns, (margin + 1) * columns);
    values.copyWithin((rows - 1 - row) * columns, (rows - 1 - margin) * columns, (rows - margin) * columns);
  }
  return { cellPx, margin, columns, rows, values };
}

/** Puts paper where something darker than any shade is that does not reach beyond the picture, up to twice `reach` coarse cells wide. */
function fillShapes(paper: Cells, reach: number): void {
  const [columns, rows] = [paper.columns, paper.rows].map((count) => Math.ceil(count / COARSE_CELLS) + 2 * reach);
  const values = new Uint8Array(columns! * rows!);
  const coarseOf = (at: number, count: number) => Math.max(0, Math.min(count - 1, (at - reach) * COARSE_CELLS));
  for (let row = 0; row < rows!; row++)
    for (let column = 0; column < columns!; column++)
      values[row * columns! + column] =
        paper.values[coarseOf(row, paper.rows) * paper.columns + coarseOf(column, paper.columns)]!;
  const filled = closing({ ...paper, columns: columns!, rows: rows!, values }, reach);
  for (let row = 0, i = 0; row < paper.rows; row++) {
    const start = ((row / COARSE_CELLS) | 0) * columns! + reach * (columns! + 1);
    for (let column = 0; column < paper.columns; column++, i++) {
      const least = SHADE_LIGHT * filled.values[start + ((column / COARSE_CELLS) | 0)]!;
      if (paper.values[i]! < least) paper.values[i] = least;
    }
  }
}

/**
 * Whether lines are brighter than what is around them. A cell in a line differs from all four cells a little away, one beside it
 * from one of these at most: cubes make the sum of all have the sign of the former.
 */
function isBoardIn({ columns, rows, values }: Cells): boolean {
  let sum = 0;
  for (let row = ASIDE; row < rows - ASIDE; row++)
    for (let at = row * columns + ASIDE; at < (row + 1) * columns - ASIDE; at++) {
      const aside =
        values[at - ASIDE]! + values[at + ASIDE]! + values[at - ASIDE * columns]! + values[at + ASIDE * columns]!;
      const difference = aside - 4 * values[at]!;
      sum += difference * difference * difference;
    }
  return sum < 0;
}

/** The brightest within `reach`, then the darkest of these within `reach`. */
function closing(cells: Cells, reach: number): Cells {
  const { columns, rows } = cells;
  let values = dilated(cells.values, columns, rows, reach, 0);
  values = dilated(values, rows, columns, reach, 0);
  // An erosion is the dilation of the inverse.
  values = dilated(values, columns, rows, reach, 255);
  return { ...cells, values: dilated(values, rows, columns, reach, 255) };
}

/**
 * Replaces each value by the greatest within `reach` of it in its row, and transposes the result. van Herk 1992, Gil and Werman
 * 1993: the greatest since a block's start and until a block's end give that of any window as long as a block.
 */
function dilated(values: Uint8Array, columns: number, rows: number, reach: number, flip: 0 | 255): Uint8Array {
  const block = 2 * reach + 1;
  const blocks = Math.ceil((columns + 2 * reach) / block);
  const line = new Uint8Array(blocks * block);
  const ahead = new Uint8Array(blocks * block);
  const out = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0, at = row * columns; column < columns; column++, at++)
      line[column + reach] = values[at]! ^ flip;
    for (let start = 0; start < line.length; start += block)
      for (let i = start + block - 1, greatest = 0; i >= start; i--) {
        const value = line[i]!;
        if (value > greatest) greatest = value;
        ahead[i] = greatest;
      }
    for (let start = 0; start < line.length; start += block)
      for (let i = start, greatest = 0, column = start - 2 * reach; i < start + block; i++, column++) {
        const value = line[i]!;
        if (value > greatest) greatest = value;
        if (column < 0 || column >= columns) continue;
        const other = ahead[column]!;
        out[column * rows + row] = (other > greatest ? other : greatest) ^ flip;
      }
  }
  return out;
}

/** The paper between the cells' middles is interpolated: its inverse as a whole number, to spare a division for each pixel. */
function levelsOn(paper: Cells, { width, height, pixels }: GreyImage, isBoard: boolean): Uint8Array {
  const { cellPx, margin, columns, values } = paper;
  const flip = isBoard ? 255 : 0;
  const levels = new Uint8Array(width * height);
  const row = new Int32Array(Math.ceil(width / cellPx) + 2);
  for (let y = 0, i = 0; y < height; y++) {
    const v = (y + 0.5) / cellPx - 0.5;
    const above = Math.floor(v);
    const share = v - above;
    const upper = (above + margin) * columns + margin - 1;
    for (let column = 0; column < row.length; column++) {
      const light = values[upper + column]! * (1 - share) + values[upper + columns + column]! * share;
      row[column] = ((255 - PAPER) << FRACTION_BITS) / Math.max(1, light);
    }
    const end = i + width;
    for (let column = 0, next = i + cellPx / 2; i < end; column++, next = Math.min(next + cellPx, end)) {
      const step = ((row[column + 1]! - row[column]!) / cellPx) | 0;
      let factor = row[column]! + ((column === 0 ? (cellPx + 1) * step : step) >> 1);
      for (; i < next; i++, factor += step) {
        const level = 255 - (((pixels[i]! ^ flip) * factor) >> FRACTION_BITS);
        levels[i] = level > 0 ? level : 0;
      }
    }
  }
  return levels;
}
