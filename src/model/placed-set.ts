/**
 * A set for objects that come and go with each request or connection. Its members know their place in an array, so adding
 * and removing one allocates nothing.
 *
 * V8 gives a `Set` or `Map` a new table after every few deletions, and each old table points to its next: one table that has
 * reached the old generation keeps all later ones from being collected as young, and with them every member of that time. With
 * a member a request, half of all requests lived until the next full collection.
 */

export interface Placed {
  /** Which only the set changes; -1: it is in none. An object can be in one `PlacedSet` at a time. */
  place: number;
}

export class PlacedSet<T extends Placed> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    if (member.place >= 0) return;
    member.place = this.#members.length;
    this.#members.push(member);
  }

  delete(member: T): void {
    const at = member.place;
    if (at < 0) return;
    member.place = -1;
    const last = this.#members.pop();
    if (last === undefined || last === member) return;
    this.#members[at] = last;
    last.place = at;
  }

  /** In no order. The member that is visited may be deleted meanwhile; of others that are, none is visited twice. */
  *[Symbol.iterator](): IterableIterator<T> {
    // Backwards: the last one takes the place of a deleted one, and that one was visited already.
    for (let at = this.#members.length - 1; at >= 0; at -= 1) {
      const member = this.#members.at(at);
      if (member !== undefined) yield member;
    }
  }
}
