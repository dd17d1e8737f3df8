/** What is in one chain at most, and carries its own links: so to put it in and take it out costs next to nothing. */
export class Link<L> {
  before: L | undefined = undefined;
  next: L | undefined = undefined;
}

export class Chain<L extends Link<L>> {
  first: L | undefined = undefined;
  last: L | undefined = undefined;

  append(link: L): void {
    link.before = this.last;
    if (this.last) this.last.next = link;
    else this.first = link;
    this.last = link;
  }

  /** Whether it was in here. */
  remove(link: L): boolean {
    const { before, next } = link;
    if (!before && this.first !== link) return false;
    if (before) before.next = next;
    else this.first = next;
    if (next) next.before = before;
    else this.last = before;
    link.before = link.next = undefined;
    return true;
  }

  *[Symbol.iterator](): Generator<L, void> {
    for (let link = this.first; link; link = link.next) yield link;
  }
}
