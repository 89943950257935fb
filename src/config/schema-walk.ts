/** Walks a zod schema along a path to list the keys there, for "did you mean" and to find `*_file` keys. */
import type { z } from 'zod';
import type { Path } from './document.ts';

interface Def {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly getter?: () => z.ZodType;
}

const defOf = (schema: z.ZodType): Def => (schema as unknown as { _zod: { def: Def } })._zod.def;

/** All schemas that may apply, inside optional, default, pipe and union. */
function alternatives(schema: z.ZodType): z.ZodType[] {
  const def = defOf(schema);
  if (def.innerType !== undefined) return alternatives(def.innerType);
  if (def.type === 'pipe' && def.in !== undefined) return alternatives(def.in);
  if (def.type === 'lazy' && def.getter !== undefined) return alternatives(def.getter());
  if (def.options !== undefined && def.type === 'union') return def.options.flatMap(alternatives);
  return [schema];
}

function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  let here = alternatives(schema);
  for (const part of path) {
    here = here.flatMap((each) => {
      const { shape, element, valueType } = defOf(each);
      const own =
        shape !== undefined && typeof part === 'string' && Object.hasOwn(shape, part) ? shape[part] : undefined;
      const next = own ?? (typeof part === 'number' ? element : undefined) ?? valueType;
      return next === undefined ? [] : alternatives(next);
    });
  }
  return here;
}

/** The keys of the objects that are possible at `path`; none when it is no object. */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((each) => Object.keys(defOf(each).shape ?? {})))];
}

/** Whether a list is possible at `path`: a variable then holds it as text with commas. */
export function isListAt(schema: z.ZodType, path: Path): boolean {
  return schemasAt(schema, path).some((each) => defOf(each).element !== undefined);
}

/** Optimal string alignment distance: insert, delete, replace, swap neighbours. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2][j - 2] + 1);
      rows[i].push(best);
    }
  }
  return rows[a.length][b.length];
}

/** The most similar candidate; undefined when none is similar enough. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '');
  const scored = candidates.map((candidate) => ({ candidate, score: distance(plain(word), plain(candidate)) }));
  const [best] = scored.sort((a, b) => a.score - b.score);
  return best !== undefined && best.score <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** What the schema says that it expects, at each step inside optional, default, pipe and union. */
function expectationsOf(schema: z.ZodType): string[] {
  const def = defOf(schema);
  const own = schema.meta()?.description;
  const inner = [
    ...(def.innerType === undefined ? [] : [def.innerType]),
    ...(def.type === 'pipe' && def.in !== undefined ? [def.in] : []),
    ...(def.options ?? []),
  ];
  return [...(own === undefined ? [] : [own]), ...inner.flatMap(expectationsOf)];
}

/** The unit of the number that a value at `path` becomes: milliseconds of a duration, bytes of a size. */
export function unitAt(schema: z.ZodType, path: Path): 'ms' | 'bytes' | '' {
  const last = path.at(-1);
  const expected = schemasAt(schema, path.slice(0, -1)).flatMap((each) => {
    const { shape, element, valueType } = defOf(each);
    const own = shape !== undefined && typeof last === 'string' && Object.hasOwn(shape, last) ? shape[last] : undefined;
    const found = own ?? (typeof last === 'number' ? element : undefined) ?? valueType;
    return found === undefined ? [] : expectationsOf(found);
  });
  if (expected.some((text) => text.startsWith('a duration'))) return 'ms';
  return expected.some((text) => text.startsWith('a size')) ? 'bytes' : '';
}
