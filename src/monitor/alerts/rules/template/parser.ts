/** Pieces → tree. The grammar is Go's text/template: pipelines, variables, if, with, range, define, template, block. */
import { splitTemplate } from './lexer.ts';
import type { Piece, Token } from './lexer.ts';
import { parsePipeline } from './pipeline-parser.ts';
import type { Node, Template } from './tree.ts';
import { TemplateError } from './tree.ts';

/** UTF-16 units. */
const MAX_SOURCE_LENGTH = 64 * 1024;
const MAX_DEPTH = 100;

type Action = Piece & { kind: 'action' };
interface Ending {
  readonly nodes: Node[];
  /** The token that closed the list: `end`, or `else` with the tokens after it. */
  readonly closing: 'eof' | 'end' | { readonly rest: readonly Token[]; readonly line: number };
}

class Parser {
  readonly defined = new Map<string, readonly Node[]>();
  readonly #pieces: readonly Piece[];
  readonly #functions: ReadonlySet<string>;
  #at = 0;
  #loops = 0;
  /** Variables in scope, innermost last: Go refuses unknown ones when it parses. */
  #variables: string[];
  #depth = 0;

  constructor(pieces: readonly Piece[], functions: ReadonlySet<string>, variables: readonly string[]) {
    this.#pieces = pieces;
    this.#functions = functions;
    this.#variables = ['$', ...variables];
  }

  list(): Ending {
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at];
      this.#at += 1;
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const tokens = withoutOuterSpace(piece.tokens);
      const [first] = tokens;
      const word = first?.kind === 'word' ? first.text : '';
      const rest = withoutOuterSpace(tokens.slice(1));
      if (word === 'end' && rest.length === 0) return { nodes, closing: 'end' };
      if (word === 'else') return { nodes, closing: { rest, line: piece.line } };
      const node = this.#node(word, rest, tokens, piece);
      if (node !== undefined) nodes.push(node);
    }
    return { nodes, closing: 'eof' };
  }

  #node(word: string, rest: readonly Token[], tokens: readonly Token[], { line }: Action): Node | undefined {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(word, rest, line);
      case 'define':
      case 'block':
        return this.#define(word, rest, line);
      case 'template': {
        const [name, ...more] = rest;
        const pipeline = withoutOuterSpace(more);
        return {
          kind: 'template',
          name: this.#name(name, line),
          pipeline: pipeline.length === 0 ? undefined : this.#pipeline(pipeline, line),
        };
      }
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateError(`line ${line}: {{${word}}} outside {{range}}`);
        return { kind: word };
      default:
        return { kind: 'action', pipeline: this.#pipeline(tokens, line) };
    }
  }

  #pipeline(tokens: readonly Token[], line: number): ReturnType<typeof parsePipeline> {
    return parsePipeline(tokens, line, this.#functions, this.#variables);
  }

  #name(token: Token | undefined, line: number): string {
    if (token?.kind === 'literal' && typeof token.value === 'string') return token.value;
    throw new TemplateError(`line ${line}: a template is named by a quoted string`);
  }

  #control(kind: 'if' | 'with' | 'range', tokens: readonly Token[], line: number): Node {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new TemplateError(`line ${line}: nested deeper than ${MAX_DEPTH}`);
    const seen = this.#variables.length;
    const pipeline = this.#pipeline(tokens, line);
    if (kind === 'range') this.#loops += 1;
    const inner = this.#variables.length;
    const body = this.list();
    if (kind === 'range') this.#loops -= 1;
    this.#variables.length = inner;
    const otherwise = this.#otherwise(kind, body, line);
    this.#variables.length = seen;
    this.#depth -= 1;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  #otherwise(kind: 'if' | 'with' | 'range', { closing }: Ending, line: number): readonly Node[] {
    if (closing === 'end') return [];
    if (closing === 'eof') throw new TemplateError(`line ${line}: unexpected EOF, {{${kind}}} has no {{end}}`);
    const [first] = closing.rest;
    if (first === undefined) {
      const other = this.list();
      if (other.closing !== 'end') throw new TemplateError(`line ${line}: expected end after {{else}}`);
      return other.nodes;
    }
    if (first.kind !== 'word' || first.text !== kind || kind === 'range') {
      throw new TemplateError(`line ${closing.line}: unexpected ${JSON.stringify(first.text)} after {{else}}`);
    }
    // `{{else if …}}` shares the outer `{{end}}`.
    return [this.#control(kind, withoutOuterSpace(closing.rest.slice(1)), closing.line)];
  }

  #define(word: 'define' | 'block', tokens: readonly Token[], line: number): Node | undefined {
    const [first, ...more] = tokens;
    const name = this.#name(first, line);
    const rest = withoutOuterSpace(more);
    const pipeline = word === 'block' ? this.#pipeline(rest, line) : undefined;
    if (word === 'define' && rest.length > 0) throw new TemplateError(`line ${line}: unexpected text after the name`);
    const variables = this.#variables;
    this.#variables = ['$'];
    const body = this.list();
    this.#variables = variables;
    if (body.closing !== 'end') throw new TemplateError(`line ${line}: {{${word}}} has no {{end}}`);
    this.defined.set(name, body.nodes);
    return pipeline === undefined ? undefined : { kind: 'template', name, pipeline };
  }
}

export function withoutOuterSpace(tokens: readonly Token[]): readonly Token[] {
  let start = 0;
  let end = tokens.length;
  while (start < end && tokens[start].kind === 'space') start += 1;
  while (end > start && tokens[end - 1].kind === 'space') end -= 1;
  return tokens.slice(start, end);
}

/** Throws TemplateError. `variables` are those the caller will provide, with their `$`. */
export function parseTemplate(
  source: string,
  functions: ReadonlySet<string>,
  variables: readonly string[] = [],
): Template {
  if (source.length > MAX_SOURCE_LENGTH) throw new TemplateError(`longer than ${MAX_SOURCE_LENGTH} characters`);
  const parser = new Parser(splitTemplate(source), functions, variables);
  const { nodes, closing } = parser.list();
  if (closing !== 'eof') throw new TemplateError(`unexpected {{${closing === 'end' ? 'end' : 'else'}}}`);
  return { nodes, defined: parser.defined };
}
