/** Commands as a reader copies them out of a Markdown file: `NAME=value … program args`. */
export interface Command {
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

export function commandOf(line: string): Command {
  const words = line.trim().split(/\s+/);
  const first = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const env = Object.fromEntries(
    words.slice(0, first).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  return { env, words: words.slice(first) };
}

/** First cell → the command in code in the second, of every table row that has one. */
export function tableCommands(markdown: string): Map<string, Command> {
  const rows = markdown.matchAll(/^\| ([^|]+) \| `([^`]+)` \|$/gm);
  return new Map([...rows].map(([, name, line]) => [name.trim(), commandOf(line)]));
}

/** Lines of the fenced `sh` blocks. */
export function shellLines(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block.split('\n').filter((line) => line.trim() !== ''),
  );
}
