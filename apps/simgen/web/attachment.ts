import type { Picture } from "../server/picture.ts";
import { byId } from "./element.ts";
import { fileAmong, receiveFiles } from "./incoming.ts";
import { pictureOf } from "./picture.ts";

export interface AttachmentEvents {
  /** Somebody adds or removes one. */
  touched(): void;
  /** A picture is on its way, or gone. */
  changed(isThere: boolean): void;
  failed(error: unknown): void;
}

/** The picture beside the prompt: chosen, pasted, or dropped on the prompt box. */
export class Attachment {
  readonly #root = byId("attachment", HTMLDivElement);
  readonly #thumbnail = byId("thumbnail", HTMLImageElement);
  readonly #file = byId("picture-file", HTMLInputElement);
  readonly #events: AttachmentEvents;
  #pending: Promise<Picture> | undefined;
  #picture: Picture | undefined;

  constructor(box: HTMLElement, events: AttachmentEvents) {
    this.#events = events;
    byId("attach", HTMLButtonElement).addEventListener("click", () => this.#file.click());
    byId("detach", HTMLButtonElement).addEventListener("click", () => {
      this.clear();
      events.touched();
    });
    this.#file.addEventListener("change", () => {
      const file = fileAmong(this.#file.files);
      if (file) void this.#add(file);
      // So that the same file can be chosen again.
      this.#file.value = "";
    });
    receiveFiles({ box, isOpen: () => true, take: (file) => void this.#add(file) });
  }

  /** What is to be sent, once it is scaled down. Rejects with `ApiError` "picture". */
  async ready(): Promise<Picture | undefined> {
    return this.#pending;
  }

  /** It was sent: takes it away, unless there is another by now. */
  sent(picture: Picture | undefined): void {
    if (picture !== undefined && picture === this.#picture) this.clear();
  }

  clear(): void {
    this.#pending = undefined;
    this.#show(undefined);
    this.#root.hidden = true;
    this.#events.changed(false);
  }

  async #add(file: File): Promise<void> {
    const pending = pictureOf(file);
    this.#pending = pending;
    this.#show(undefined);
    this.#root.hidden = false;
    this.#events.changed(true);
    this.#events.touched();
    try {
      const picture = await pending;
      if (this.#pending === pending) this.#show(picture, file.name);
    } catch (error) {
      if (this.#pending !== pending) return;
      this.clear();
      this.#events.failed(error);
    }
  }

  #show(picture: Picture | undefined, name = ""): void {
    this.#picture = picture;
    this.#thumbnail.hidden = picture === undefined;
    if (picture) this.#thumbnail.src = `data:${picture.mediaType};base64,${picture.data}`;
    else this.#thumbnail.removeAttribute("src");
    this.#thumbnail.alt = `Picture beside the prompt: ${name || "pasted"}`;
  }
}
