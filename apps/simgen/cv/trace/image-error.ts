export type ImageErrorCode =
  /** No PNG, JPEG or WebP. */
  | "image_unsupported"
  /** More bytes or pixels than are read. */
  | "image_too_large"
  /** It opens like an image, but cannot be decoded. */
  | "image_damaged"
  /** Nothing is drawn on it. */
  | "image_empty"
  /** More is on it than a person draws: a photo of something else, or noise. */
  | "image_too_complex";

/** An image that cannot be traced; the message names what was expected and what came. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly code: ImageErrorCode;
  constructor(code: ImageErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
