/** Something tests watch: resolves a wait as soon as what has been seen fits. */
export class Observer {
  #wake = Promise.withResolvers<void>();

  async until(fits: () => boolean): Promise<void> {
    while (!fits()) await this.#wake.promise;
  }

  /** To be called at everything that is seen. */
  protected saw(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
