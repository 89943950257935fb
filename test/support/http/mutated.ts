/** Random changes of a message, for tests that compare two readings of it. */

/** Inserts one of `pieces`, removes some characters, replaces one, or repeats some: one to three times. */
export function mutated(text: string, pieces: readonly string[], random: () => number): string {
  let out = text;
  const upTo = (count: number): number => Math.floor(random() * count);
  for (let times = 1 + upTo(3); times > 0; times -= 1) {
    const at = upTo(out.length + 1);
    const kind = upTo(4);
    if (kind === 0) out = out.slice(0, at) + pieces[upTo(pieces.length)] + out.slice(at);
    else if (kind === 1) out = out.slice(0, at) + out.slice(at + 1 + upTo(4));
    else if (kind === 2) out = out.slice(0, at) + String.fromCharCode(upTo(256)) + out.slice(at + 1);
    else {
      const end = at + upTo(24);
      out = out.slice(0, end) + out.slice(at, end) + out.slice(end);
    }
  }
  return out;
}
