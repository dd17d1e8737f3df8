import type { ProgressMessage } from "../server/messages.ts";
import type { Picture } from "../server/picture.ts";
import { api, asApiError, type NewSimulation, type SimulationWithScene } from "./api.ts";
import type { Composer } from "./composer.ts";
import type { Gallery } from "./gallery.ts";

export interface MakerEvents {
  /** `picture`: what was sent beside the prompt. */
  made(simulation: SimulationWithScene, input: NewSimulation, picture: Picture | undefined): void;
}

/** What is being made. */
interface Making {
  stopping: AbortController;
  /** Which of this page's sessions is told how far it has got. */
  session: string | undefined;
}

/** Has simulations made, one at a time: another takes its place. */
export class Maker {
  readonly #composer: Composer;
  readonly #gallery: Gallery;
  readonly #identified: Promise<unknown>;
  readonly #session: () => string | undefined;
  readonly #events: MakerEvents;
  #making: Making | undefined;

  /** Nothing is asked for before the visitor is `identified`. */
  constructor(
    { composer, gallery }: { composer: Composer; gallery: Gallery },
    identified: Promise<unknown>,
    session: () => string | undefined,
    events: MakerEvents,
  ) {
    this.#composer = composer;
    this.#gallery = gallery;
    this.#identified = identified;
    this.#session = session;
    this.#events = events;
  }

  async make(input: NewSimulation, attached?: Promise<Picture | undefined>): Promise<void> {
    this.#making?.stopping.abort();
    const own: Making = { stopping: new AbortController(), session: undefined };
    this.#making = own;
    this.#composer.busy(true);
    this.#composer.fail(undefined);
    this.#gallery.busy("template" in input ? input.template : undefined);
    try {
      const [picture] = await Promise.all([attached, this.#identified]);
      if (this.#making !== own) return;
      own.session = this.#session();
      const made = await api.create(
        { ...input, ...(picture && { picture }), ...(own.session === undefined ? {} : { session: own.session }) },
        own.stopping.signal,
      );
      if (this.#making === own) this.#events.made(made, input, picture);
    } catch (error) {
      if (this.#making === own) this.#composer.fail(asApiError(error));
    } finally {
      if (this.#making === own) this.#idle();
    }
  }

  /** Gives up what is being made; the server does so too. False: nothing is. */
  stop(): boolean {
    if (!this.#making) return false;
    this.#making.stopping.abort();
    this.#idle();
    return true;
  }

  /** Somebody with this visitor's cookie may have named this session; only what this page asked for is shown. */
  progress(message: ProgressMessage): void {
    const session = this.#making?.session;
    if (session !== undefined && session === this.#session()) this.#composer.progress(message);
  }

  #idle(): void {
    this.#making = undefined;
    this.#composer.busy(false);
    this.#gallery.busy(undefined);
  }
}
