/** How a propagator reads the fields of a raw head and writes its own. */

/** Writes the propagator's fields as text for a request's head. */
export const intoText = {
  set(carrier: { text: string }, name: string, value: string): void {
    carrier.text += `${name}: ${value}\r\n`;
  },
};
export const fromRaw = {
  keys: (raw: readonly string[]): string[] => raw.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()),
  get(raw: readonly string[], name: string): string | undefined {
    for (let at = 0; at < raw.length; at += 2) {
      if (raw[at].length === name.length && raw[at].toLowerCase() === name) return raw[at + 1];
    }
    return undefined;
  },
};
