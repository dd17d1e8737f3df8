export type ImageFormat = "png" | "jpeg" | "webp";

/** How files begin that are mistaken for images that are read, from which byte on, and the words for them. */
const OTHERS: readonly (readonly [at: number, opening: string, name: string])[] = [
  [0, "GIF8", "a GIF"],
  [0, "%PDF-", "a PDF"],
  [0, "II*\0", "a TIFF"],
  [0, "MM\0*", "a TIFF"],
  [0, "BM", "a BMP"],
  [0, "PK\x03\x04", "a ZIP file"],
  [0, "\x1f\x8b", "a gzip file"],
  [0, "\xff\x0a", "a JPEG XL"],
  [4, "JXL ", "a JPEG XL"],
  [4, "ftypavi", "an AVIF"],
  [4, "ftyphe", "a HEIC"],
  [4, "ftypmif1", "a HEIC"],
  [4, "ftyp", "a video"],
];
const SVG = /^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!DOCTYPE\s+)?svg/is;
const MARKUP = /^\s*<[?!a-z]/i;
const TEXT = /^[\s\x21-\x7e]{4,}$/;
const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const HEAD_BYTES = 512;

/** What the first bytes say a file is, whatever its name and media type; undefined: no image that is read. */
export function imageFormatOf(bytes: Uint8Array): ImageFormat | undefined {
  const head = headOf(bytes);
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (head.startsWith("\xff\xd8\xff")) return "jpeg";
  if (head.startsWith("RIFF") && head.startsWith("WEBPVP8", 8)) return "webp";
  return undefined;
}

/** Words for what a file seems to be that is no image that is read. */
export function nameOfOther(bytes: Uint8Array): string {
  if (bytes.length === 0) return "0 bytes";
  const head = headOf(bytes);
  const known = OTHERS.find(([at, opening]) => head.startsWith(opening, at));
  if (known) return known[2];
  const text = head.startsWith(BYTE_ORDER_MARK) ? head.slice(BYTE_ORDER_MARK.length) : head;
  if (SVG.test(text)) return "an SVG";
  if (MARKUP.test(text)) return "markup";
  return TEXT.test(text) ? "text" : "something else";
}

function headOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, HEAD_BYTES));
}
