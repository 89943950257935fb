/**
 * The tree of a filter as it was written, before its values are understood. Positions are UTF-16 units from the start of the
 * text.
 */
import { VitrineError } from '../../base/errors.ts';

/** UTF-16 units of a filter. Longer texts are refused before they are read. */
export const MAX_FILTER_LENGTH = 4_096;
/** Levels of nested parentheses and negations. Functions that walk the tree recurse. */
export const MAX_FILTER_DEPTH = 100;
/** Conditions of one filter: each is tested on every record that is read. */
export const MAX_TERMS = 200;

export type CompareOp = '>' | '>=' | '<' | '<=';

/** The part of a term after the field's name. */
export type ValueSyntax =
  | { readonly kind: 'plain'; readonly text: string; readonly quoted: boolean; readonly at: number }
  | { readonly kind: 'regex'; readonly text: string; readonly at: number }
  | {
      readonly kind: 'compare';
      readonly op: CompareOp;
      readonly text: string;
      readonly quoted: boolean;
      readonly at: number;
    }
  | { readonly kind: 'any'; readonly values: readonly ValueSyntax[]; readonly at: number };

export type Syntax =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'not'; readonly part: Syntax }
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean; readonly at: number }
  | { readonly kind: 'field'; readonly name: string; readonly value: ValueSyntax; readonly at: number };

/** A mistake in a filter. `at` counts from 0; the message shows the position counted from 1. */
export function filterError(at: number, fact: string, hint: string): VitrineError {
  return new VitrineError('query_invalid', `position ${at + 1}: ${fact}`, { hint });
}

/** Names of the fields that a filter speaks of. */
export function fieldsIn(tree: Syntax): ReadonlySet<string> {
  switch (tree.kind) {
    case 'and':
    case 'or':
      return new Set(tree.parts.flatMap((part) => [...fieldsIn(part)]));
    case 'not':
      return fieldsIn(tree.part);
    case 'field':
      return new Set([tree.name]);
    default:
      return new Set();
  }
}
