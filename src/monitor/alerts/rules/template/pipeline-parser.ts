/** The inside of an action: `$x := f a b | g`. */
import type { Token } from './lexer.ts';
import type { Operand, Pipeline } from './tree.ts';
import { TemplateError } from './tree.ts';

const MAX_DEPTH = 50;

class PipelineParser {
  readonly #tokens: readonly Token[];
  readonly #line: number;
  readonly #functions: ReadonlySet<string>;
  readonly #variables: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], line: number, functions: ReadonlySet<string>, variables: readonly string[]) {
    this.#tokens = tokens;
    this.#line = line;
    this.#functions = functions;
    this.#variables = variables;
  }

  /** `$x :=`, `$x =`, `$i, $x :=` or nothing. */
  names(): Pick<Pipeline, 'names' | 'assigns'> {
    const names: string[] = [];
    const start = this.#at;
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== 'variable') break;
      names.push(token.text);
      this.#at += 1;
      this.#space();
      if (!this.#isSymbol(',')) break;
      this.#at += 1;
      this.#space();
    }
    const declares = this.#isSymbol(':=');
    if (names.length === 0 || names.length > 2 || (!declares && !this.#isSymbol('='))) {
      this.#at = start;
      return { names: [], assigns: 'none' };
    }
    this.#at += 1;
    const unknown = declares ? undefined : names.find((name) => !this.#variables.includes(name));
    if (unknown !== undefined) throw this.#fail(`undefined variable ${JSON.stringify(unknown)}`);
    return { names, assigns: declares ? 'declare' : 'set' };
  }

  commands(closing: boolean): (readonly Operand[])[] {
    const commands: (readonly Operand[])[] = [];
    for (;;) {
      commands.push(this.#command());
      if (this.#isSymbol('|')) {
        this.#at += 1;
        continue;
      }
      if (closing !== this.#isSymbol(')')) {
        throw this.#fail(closing ? 'unclosed left paren' : `unexpected ${JSON.stringify(this.#tokens[this.#at].text)}`);
      }
      return commands;
    }
  }

  atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  #command(): readonly Operand[] {
    const operands: Operand[] = [];
    this.#space();
    while (!this.atEnd() && !this.#isSymbol('|') && !this.#isSymbol(')')) {
      operands.push(this.#operand());
      const next = this.#tokens[this.#at];
      if (next !== undefined && next.kind !== 'space' && !this.#isSymbol('|') && !this.#isSymbol(')')) {
        throw this.#fail(`unexpected ${JSON.stringify(next.text)} in operand`);
      }
      this.#space();
    }
    if (operands.length === 0) throw this.#fail('missing value for command');
    return operands;
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    switch (token.kind) {
      case 'literal':
        return { kind: 'literal', value: token.value, fields: [] };
      case 'variable':
        if (!this.#variables.includes(token.text)) throw this.#fail(`undefined variable ${JSON.stringify(token.text)}`);
        return { kind: 'variable', name: token.text, fields: this.#fields() };
      case 'field':
        return { kind: 'dot', fields: [token.text.slice(1), ...this.#fields()] };
      case 'word':
        return this.#word(token.text);
      default:
    }
    if (token.text === '.') return { kind: 'dot', fields: [] };
    if (token.text !== '(') throw this.#fail(`unexpected ${JSON.stringify(token.text)} in operand`);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#fail(`parentheses nested deeper than ${MAX_DEPTH}`);
    const commands = this.commands(true);
    this.#at += 1;
    this.#depth -= 1;
    const pipeline: Pipeline = { names: [], assigns: 'none', commands };
    return { kind: 'pipeline', pipeline, fields: this.#fields() };
  }

  #word(word: string): Operand {
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true', fields: [] };
    if (word === 'nil') return { kind: 'literal', value: null, fields: [] };
    if (!this.#functions.has(word)) throw this.#fail(`function ${JSON.stringify(word)} not defined`);
    return { kind: 'function', name: word, fields: [] };
  }

  #fields(): string[] {
    const fields: string[] = [];
    for (let token = this.#tokens[this.#at]; token?.kind === 'field'; token = this.#tokens[this.#at]) {
      fields.push(token.text.slice(1));
      this.#at += 1;
    }
    return fields;
  }

  #isSymbol(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'symbol' && token.text === text;
  }

  #space(): void {
    if (this.#tokens[this.#at]?.kind === 'space') this.#at += 1;
  }

  #fail(message: string): TemplateError {
    return new TemplateError(`line ${this.#line}: ${message}`);
  }
}

/** Declared names are added to `variables`. Throws TemplateError. */
export function parsePipeline(
  tokens: readonly Token[],
  line: number,
  functions: ReadonlySet<string>,
  variables: string[],
): Pipeline {
  const parser = new PipelineParser(tokens, line, functions, variables);
  const { names, assigns } = parser.names();
  const commands = parser.commands(false);
  if (assigns === 'declare') variables.push(...names);
  return { names, assigns, commands };
}
