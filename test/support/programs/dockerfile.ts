/**
 * Reads a Dockerfile (Dockerfile reference, docs.docker.com/reference/dockerfile) far enough to check it and to run its
 * steps without an engine: instructions, flags, exec forms and stages. Heredocs and parser directives are not understood
 * and reported.
 */

export interface Instruction {
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
  /** Words of the exec form, or the words of the rest. */
  readonly words: readonly string[];
  readonly isExec: boolean;
  readonly line: number;
}

export interface Stage {
  readonly base: string;
  readonly alias: string | undefined;
  readonly instructions: readonly Instruction[];
}

const KNOWN = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

function wordsOf(rest: string): { words: string[]; isExec: boolean } {
  if (rest.startsWith('[')) {
    try {
      const words: unknown = JSON.parse(rest);
      if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return { words, isExec: true };
    } catch {
      // The shell form is what an engine takes it for, too.
    }
  }
  return { words: rest.split(/\s+/).filter((word) => word !== ''), isExec: false };
}

function instructionOf(text: string, line: number): Instruction {
  const [, name = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  const flags: Record<string, string> = {};
  let rest = after.trim();
  for (let found; (found = /^--([a-z-]+)=(\S+)\s+/.exec(rest)) !== null; rest = rest.slice(found[0].length))
    flags[found[1]] = found[2];
  return { name: name.toUpperCase(), flags, ...wordsOf(rest), line };
}

export function instructionsOf(text: string): Instruction[] {
  const out: Instruction[] = [];
  let open = '';
  let start = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(raw)) continue;
    if (open === '') start = index + 1;
    open += raw.replace(/\\\s*$/, ' ');
    if (/\\\s*$/.test(raw)) continue;
    out.push(instructionOf(open.trim(), start));
    open = '';
  }
  return out;
}

export function stagesOf(text: string): Stage[] {
  const stages: { base: string; alias: string | undefined; instructions: Instruction[] }[] = [];
  for (const each of instructionsOf(text)) {
    if (each.name === 'FROM') stages.push({ base: each.words[0], alias: each.words[2], instructions: [] });
    else stages.at(-1)?.instructions.push(each);
  }
  return stages;
}

/** A tag that says a whole version, or a digest. */
export function isPinned(image: string): boolean {
  return /^[\w./-]+(?::v?\d+\.\d+\.\d+(?:-[\w.]+)?)(?:@sha256:[0-9a-f]{64})?$/.test(image);
}

export interface BuildContext {
  /** Whether a path of the build context is there and not left out by .dockerignore. */
  has(path: string): boolean;
  /** Paths that the build stage's own steps make. */
  readonly made: readonly string[];
}

/** Every mistake; empty when there is none. */
export function dockerfileFaults(text: string, context: BuildContext): string[] {
  const faults: string[] = [];
  for (const { name, line } of instructionsOf(text))
    if (!KNOWN.has(name)) faults.push(`${line}: ${name} is no instruction`);
  const stages = stagesOf(text);
  const aliases: string[] = [];
  for (const stage of stages) {
    if (!isPinned(stage.base) && !aliases.includes(stage.base)) faults.push(`the image ${stage.base} is not pinned`);
    for (const each of stage.instructions) faults.push(...instructionFaults(each, aliases, context));
    if (stage.alias !== undefined) aliases.push(stage.alias);
  }
  return [...faults, ...finalFaults(stages.at(-1))];
}

function instructionFaults(each: Instruction, aliases: readonly string[], context: BuildContext): string[] {
  const { name, words, flags, isExec, line } = each;
  const faults: string[] = [];
  const say = (what: string): number => faults.push(`${line}: ${what}`);
  if (words.length === 0) say(`${name} says nothing`);
  if (words.some((word) => word.startsWith('<<'))) say('heredocs are not used here');
  if (name === 'ADD') say('COPY does what is meant, ADD also unpacks and downloads');
  if (['RUN', 'CMD', 'ENTRYPOINT'].includes(name) && !isExec) say(`${name} needs a shell`);
  if (name === 'HEALTHCHECK' && (words[0] !== 'CMD' || words[1]?.startsWith('["') !== true))
    say('HEALTHCHECK needs a shell');
  if (name === 'COPY') {
    const from = flags['from'];
    if (from !== undefined && !aliases.includes(from)) say(`there is no stage ${from} before this`);
    for (const source of words.slice(0, -1)) {
      const path = from === undefined ? source : source.replace(/^\/src\//, '');
      if (path === '.' || context.has(path) || (from !== undefined && context.made.includes(path))) continue;
      say(`${source} is not there to be copied`);
    }
  }
  return faults;
}

function finalFaults(stage: Stage | undefined): string[] {
  if (stage === undefined) return ['there is no stage'];
  const faults: string[] = [];
  const user = stage.instructions.findLast(({ name }) => name === 'USER')?.words[0];
  if (user === undefined || !/^[1-9]\d*(:[1-9]\d*)?$/.test(user))
    faults.push(`the user is ${user ?? 'root'}, not a number other than 0`);
  for (const needed of ['HEALTHCHECK', 'ENTRYPOINT', 'WORKDIR', 'STOPSIGNAL'])
    if (!stage.instructions.some(({ name }) => name === needed)) faults.push(`${needed} is missing`);
  return faults;
}
