/** The one written form of a syntax tree; parsing it gives the same tree. */
import type { Syntax, ValueSyntax } from './syntax.ts';

export function printFilter(tree: Syntax): string {
  switch (tree.kind) {
    case 'all':
      return '';
    case 'or':
      return tree.parts.map((part) => inside(part, ['or'])).join(' or ');
    case 'and':
      return tree.parts.map((part) => inside(part, ['or', 'and'])).join(' ');
    case 'not':
      return printNot(tree.part);
    case 'text':
      return tree.quoted ? quoted(tree.text) : tree.text;
    default:
      return `${printName(tree.name)}:${printValue(tree.value)}`;
  }
}

function inside(part: Syntax, weaker: readonly Syntax['kind'][]): string {
  return weaker.includes(part.kind) ? `(${printFilter(part)})` : printFilter(part);
}

/** `-` binds to a term; the negation of a negation is written with `not`. */
function printNot(part: Syntax): string {
  if (part.kind === 'not') return `not ${printFilter(part)}`;
  return `-${inside(part, ['or', 'and'])}`;
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;

/** Names of letters, digits and the usual signs need no quotes. */
const printName = (name: string): string => (/^[\p{L}\p{N}_@.][\p{L}\p{N}_@./-]*$/u.test(name) ? name : quoted(name));

function printValue(value: ValueSyntax): string {
  switch (value.kind) {
    case 'plain':
      return value.quoted ? quoted(value.text) : value.text;
    case 'regex':
      return `~${quoted(value.text)}`;
    case 'compare':
      return value.op + (value.quoted ? quoted(value.text) : value.text);
    default:
      return `(${value.values.map(printValue).join(' or ')})`;
  }
}
