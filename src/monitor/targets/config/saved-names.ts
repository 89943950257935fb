/** Values that the steps of a target share: in its texts, `${NAME}` stands for what an earlier step saved. */
import { literalText } from '../../../config/env-overlay.ts';

type Tree = Readonly<Record<string, unknown>>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

/** The names that the steps of this object save; none for any other object. */
export function savedNames({ steps }: Tree): readonly string[] {
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: unknown) => (isTree(step) && isTree(step['save']) ? Object.keys(step['save']) : []));
}

/** A target as the configuration file has it: no text of it is taken for a variable of the environment. */
export function fileForm(target: Tree): Tree {
  const own = new Set(savedNames(target));
  const written = (value: unknown): unknown => {
    if (typeof value === 'string') return literalText(value, own);
    if (Array.isArray(value)) return value.map(written);
    if (!isTree(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, written(inner)]));
  };
  return written(target) as Tree;
}
