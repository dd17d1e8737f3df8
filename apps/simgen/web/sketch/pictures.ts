const PICTURES_MAX = 4;

/** Pictures that lie under the paper, by addresses that hold until there are too many. */
export class Pictures {
  #addresses: string[] = [];

  addressOf(file: File): string {
    const address = URL.createObjectURL(file);
    for (const old of this.#addresses.splice(0, this.#addresses.length - PICTURES_MAX + 1)) URL.revokeObjectURL(old);
    this.#addresses.push(address);
    return address;
  }
}
