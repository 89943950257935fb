/** The nodes of a parsed template. */

/** Go's int is a bigint here and float64 a number, because templates treat them differently (`printf "%d"`, `eq`). */
export type Literal = string | number | bigint | boolean | null;

export type Operand = (
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
) & { readonly fields: readonly string[] };

export interface Pipeline {
  /** Variables before `:=` or `=`. */
  readonly names: readonly string[];
  readonly assigns: 'none' | 'declare' | 'set';
  /** Each command is an operand and its arguments. */
  readonly commands: readonly (readonly Operand[])[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'template'; readonly name: string; readonly pipeline: Pipeline | undefined }
  | { readonly kind: 'break' | 'continue' };

export interface Template {
  readonly nodes: readonly Node[];
  /** By `define`. */
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}
