/** Runs a parsed template. Steps and output are bounded: a template comes from a file that others may write. */
import { Labels } from '../../../../model/labels.ts';
import type { TemplateFunction } from './builtins.ts';
import type { Node, Operand, Pipeline, Template } from './tree.ts';
import { TemplateError } from './tree.ts';
import type { Value } from './value.ts';
import { called, fieldOf, goString, isTrue, methodOf, plainOf } from './value.ts';

const MAX_STEPS = 100_000;
const MAX_OUTPUT_LENGTH = 256 * 1024;
const MAX_TEMPLATE_DEPTH = 50;

type Flow = 'on' | 'break' | 'continue';

class Executor {
  readonly #template: Template;
  readonly #functions: ReadonlyMap<string, TemplateFunction>;
  #variables: [name: string, value: Value][] = [];
  #output = '';
  #steps = 0;
  #depth = 0;

  constructor(template: Template, functions: ReadonlyMap<string, TemplateFunction>) {
    this.#template = template;
    this.#functions = functions;
  }

  async run(nodes: readonly Node[], dot: Value, variables: readonly (readonly [string, Value])[]): Promise<string> {
    this.#variables = [['$', dot], ...variables.map(([name, value]): [string, Value] => [name, value])];
    await this.#list(nodes, dot);
    return this.#output;
  }

  #write(text: string): void {
    this.#output += text;
    if (this.#output.length > MAX_OUTPUT_LENGTH)
      throw new TemplateError(`output exceeds ${MAX_OUTPUT_LENGTH} characters`);
  }

  async #list(nodes: readonly Node[], dot: Value): Promise<Flow> {
    for (const node of nodes) {
      const flow = await this.#node(node, dot);
      if (flow !== 'on') return flow;
    }
    return 'on';
  }

  async #node(node: Node, dot: Value): Promise<Flow> {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new TemplateError(`more than ${MAX_STEPS} steps`);
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return 'on';
      case 'action': {
        const value = await this.#pipeline(node.pipeline, dot);
        if (node.pipeline.assigns === 'none') this.#write(goString(value));
        return 'on';
      }
      case 'template':
        await this.#call(node.name, node.pipeline === undefined ? null : await this.#pipeline(node.pipeline, dot));
        return 'on';
      case 'break':
      case 'continue':
        return node.kind;
      default:
        return this.#scoped(() => (node.kind === 'range' ? this.#range(node, dot) : this.#branch(node, dot)));
    }
  }

  /** Variables declared inside are gone afterwards. */
  async #scoped(work: () => Promise<Flow>): Promise<Flow> {
    const seen = this.#variables.length;
    const flow = await work();
    this.#variables.length = seen;
    return flow;
  }

  async #branch(node: Node & { kind: 'if' | 'with' | 'range' }, dot: Value): Promise<Flow> {
    const value = await this.#pipeline(node.pipeline, dot);
    if (!isTrue(value)) return this.#list(node.otherwise, dot);
    return this.#list(node.body, node.kind === 'with' ? value : dot);
  }

  async #range(node: Node & { kind: 'if' | 'with' | 'range' }, dot: Value): Promise<Flow> {
    const value = await this.#pipeline({ ...node.pipeline, assigns: 'none' }, dot);
    const entries = entriesOf(value);
    if (entries.length === 0) return this.#list(node.otherwise, dot);
    const { names, assigns } = node.pipeline;
    for (const [key, item] of entries) {
      const flow = await this.#scoped(() => {
        if (names.length === 1) this.#assign(names[0], item, assigns);
        if (names.length === 2) {
          this.#assign(names[0], key, assigns);
          this.#assign(names[1], item, assigns);
        }
        return this.#list(node.body, item);
      });
      if (flow === 'break') break;
    }
    return 'on';
  }

  #assign(name: string, value: Value, how: Pipeline['assigns']): void {
    const known = how === 'set' ? this.#variables.findLast(([seen]) => seen === name) : undefined;
    if (known === undefined) this.#variables.push([name, value]);
    else known[1] = value;
  }

  async #pipeline({ names, assigns, commands }: Pipeline, dot: Value): Promise<Value> {
    let value: Value;
    for (const [at, command] of commands.entries()) {
      value = await this.#command(command, dot, at === 0 ? [] : [value]);
    }
    if (assigns !== 'none') for (const name of names) this.#assign(name, value, assigns);
    return value;
  }

  async #command(operands: readonly Operand[], dot: Value, piped: readonly Value[]): Promise<Value> {
    const [head, ...rest] = operands;
    if (head.kind !== 'function') {
      if (head.kind === 'literal' && head.value === null) throw new TemplateError('nil is not a command');
      if (rest.length > 0 || piped.length > 0) return this.#method(head, rest, dot, piped);
      return this.#operand(head, dot);
    }
    const { name } = head;
    const args: Value[] = [];
    for (const operand of rest) {
      const value = await this.#operand(operand, dot);
      args.push(value);
      if ((name === 'and' && !isTrue(value)) || (name === 'or' && isTrue(value))) return value;
    }
    args.push(...piped);
    if (name === 'tmpl') return this.#inner(args);
    const run = this.#functions.get(name) as TemplateFunction;
    if (run.length > args.length) throw new TemplateError(`wrong number of args for ${name}: got ${args.length}`);
    try {
      return await run(...args);
    } catch (error) {
      throw new TemplateError(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A method with arguments: `.CommonLabels.Remove .GroupLabels.Names`. */
  async #method(head: Operand, rest: readonly Operand[], dot: Value, piped: readonly Value[]): Promise<Value> {
    const name = head.fields.at(-1) ?? '';
    const self = await this.#operand({ ...head, fields: head.fields.slice(0, -1) }, dot);
    const method = methodOf(self, name);
    if (method === undefined) throw new TemplateError("can't give argument to non-function");
    const args: Value[] = [];
    for (const operand of rest) args.push(await this.#operand(operand, dot));
    return called(name, method, [self, ...args, ...piped]);
  }

  async #operand(operand: Operand, dot: Value): Promise<Value> {
    let value: Value;
    switch (operand.kind) {
      case 'literal':
        value = operand.value;
        break;
      case 'dot':
        value = dot;
        break;
      case 'variable':
        value = this.#variables.findLast(([name]) => name === operand.name)?.[1];
        break;
      case 'function':
        value = await this.#command([operand], dot, []);
        break;
      default:
        value = await this.#pipeline(operand.pipeline, dot);
    }
    for (const field of operand.fields) value = fieldOf(value, field);
    return value;
  }

  async #call(name: string, dot: Value): Promise<void> {
    const nodes = this.#template.defined.get(name);
    if (nodes === undefined) throw new TemplateError(`template ${JSON.stringify(name)} not defined`);
    this.#depth += 1;
    if (this.#depth > MAX_TEMPLATE_DEPTH) throw new TemplateError(`templates call each other too deeply`);
    const outer = this.#variables;
    this.#variables = [['$', dot]];
    await this.#list(nodes, dot);
    this.#variables = outer;
    this.#depth -= 1;
  }

  /** `tmpl "name" data`: a template's output as a value. */
  async #inner([name, dot]: readonly Value[]): Promise<Value> {
    if (typeof name !== 'string') throw new TemplateError('tmpl wants the name of a template');
    const before = this.#output;
    this.#output = '';
    await this.#call(name, dot);
    const inner = this.#output;
    this.#output = before;
    return inner;
  }
}

function entriesOf(given: Value): readonly (readonly [Value, Value])[] {
  const value = plainOf(given);
  if (value === null || value === undefined) return [];
  if (typeof value === 'bigint')
    return Array.from({ length: Math.min(Number(value), MAX_STEPS) }, (_, at) => [BigInt(at), BigInt(at)]);
  if (Array.isArray(value)) return (value as readonly Value[]).map((item, at) => [BigInt(at), item]);
  if (value instanceof Labels) return [...value];
  if (value instanceof Map) return [...(value as ReadonlyMap<string, Value>)].sort(([a], [b]) => (a < b ? -1 : 1));
  throw new TemplateError("range can't iterate over this value");
}

/** Throws TemplateError. `variables` with their `$`. */
export function execTemplate(
  template: Template,
  functions: ReadonlyMap<string, TemplateFunction>,
  dot: Value,
  variables: readonly (readonly [string, Value])[],
): Promise<string> {
  return new Executor(template, functions).run(template.nodes, dot, variables);
}
