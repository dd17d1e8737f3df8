import { APICallError } from "ai";

const MESSAGE_CHARS_MAX = 500;

/**
 * What a vendor's side came to, fit for logs: without what was asked, which may be a picture of a megabyte, and without
 * the key, which some vendors repeat when it is wrong.
 */
export class VendorError extends Error {
  override readonly name = "VendorError";
  /** Of its answer; below 400 if the answer broke off, undefined if there was none. */
  readonly statusCode: number | undefined;
  readonly responseHeaders: { "retry-after"?: string };

  constructor(error: unknown, key: string | undefined) {
    const message = messageOf(error);
    super((key === undefined ? message : message.replaceAll(key, "(key)")).slice(0, MESSAGE_CHARS_MAX));
    // An error event is no APICallError: it comes in an answer that had begun well.
    this.statusCode = APICallError.isInstance(error) ? error.statusCode : 200;
    const retryAfter = APICallError.isInstance(error) ? error.responseHeaders?.["retry-after"] : undefined;
    this.responseHeaders = retryAfter === undefined ? {} : { "retry-after": retryAfter };
  }
}

function messageOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
  return typeof error === "string" ? error : JSON.stringify(error);
}
