/**
 * The filter grammar read a second time, record by record, straight from the text's tree and from the sentences of the
 * interface: no columns, no compiled form, JavaScript's own regular expressions.
 */
import { attributeText } from '../../../src/model/attribute-text.ts';
import { fieldValue } from '../../../src/model/record-fields.ts';
import type { PlacedRecord } from '../../../src/monitor/store/recent/record-rows.ts';
import type { RecordSignal } from '../../../src/model/record-source.ts';
import type { AttributeValue, LogRecord, SpanRecord } from '../../../src/model/records.ts';
import type { Syntax, ValueSyntax } from '../../../src/monitor/search/syntax.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const ID = /^([0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
const W = String.raw`[\p{L}\p{M}\p{N}_]`;
const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

export class SecondReading<S extends RecordSignal> {
  readonly #signal: S;
  readonly #nowMs: number;

  constructor(signal: S, nowMs: number) {
    this.#signal = signal;
    this.#nowMs = nowMs;
  }

  matches(tree: Syntax, placed: PlacedRecord<S>): boolean {
    switch (tree.kind) {
      case 'all':
        return true;
      case 'and':
        return tree.parts.every((part) => this.matches(part, placed));
      case 'or':
        return tree.parts.some((part) => this.matches(part, placed));
      case 'not':
        return !this.matches(tree.part, placed);
      case 'text':
        return this.#text(tree.text, tree.quoted, placed);
      default:
        return this.#field(tree.name, tree.value, placed);
    }
  }

  #text(text: string, quoted: boolean, placed: PlacedRecord<S>): boolean {
    if (!quoted && /^\*+$/.test(text)) return true;
    if (!quoted && ID.test(text)) return this.#hasId(text, placed);
    const first = new RegExp(`^${W}`, 'iu').test(text) ? `(?<!${W})` : '';
    const last = new RegExp(`${W}$`, 'iu').test(text) ? `(?!${W})` : '';
    const lower = text.toLowerCase();
    const body = quoted
      ? escape(lower)
      : lower
          .split('*')
          .map(escape)
          .join(String.raw`\S*`);
    const found = new RegExp(`${first}${body}${last}`, 'u');
    const value = fieldValue(this.#signal, placed.record, this.#signal === 'logs' ? 'message' : 'name');
    return value !== undefined && value !== null && found.test(attributeText(value).toLowerCase());
  }

  #hasId(id: string, { record }: PlacedRecord<S>): boolean {
    const { attributes, resource } = record as LogRecord | SpanRecord;
    const names = ['trace', 'span', 'parent', ...Object.keys(attributes), ...Object.keys(resource.attributes)];
    const all = names.map((name) => fieldValue(this.#signal, record, name));
    const bare = (text: unknown): string => (typeof text === 'string' ? text.toLowerCase().replaceAll('-', '') : '');
    return all.flat().some((value) => bare(value) === bare(id));
  }

  #field(name: string, value: ValueSyntax, placed: PlacedRecord<S>): boolean {
    const { record, position } = placed;
    const found =
      name === 'time' ? Number(position.timeUnixNano / 1_000n) / 1_000 : fieldValue(this.#signal, record, name);
    if (found === undefined || found === null) return false;
    const each = Array.isArray(found) ? [...(found as readonly AttributeValue[]), found] : [found];
    return each.some((one: AttributeValue) => one !== null && this.#value(name, value, one));
  }

  #value(name: string, value: ValueSyntax, found: AttributeValue): boolean {
    switch (value.kind) {
      case 'any':
        return value.values.some((each) => this.#value(name, each, found));
      case 'regex': {
        const insensitive = value.text.startsWith('(?i)');
        return new RegExp(value.text.replace('(?i)', ''), insensitive ? 'isu' : 'su').test(attributeText(found));
      }
      case 'compare':
        return this.#compare(name, value.op, value.text, found);
      default:
        return this.#plain(name, value.text, value.quoted, found);
    }
  }

  #plain(name: string, text: string, quoted: boolean, found: AttributeValue): boolean {
    if (!quoted && text === '*') return !(name === 'level' && found === 0);
    if (name === 'level' && !text.includes('..')) {
      return typeof found === 'number' && found > 0 && LEVELS[Math.floor((found - 1) / 4)] === text.toLowerCase();
    }
    const [low, high] = text.split('..');
    if (!quoted && high !== undefined && this.#isComparable(low)) {
      return this.#compare(name, '>=', low, found) && this.#compare(name, '<=', high, found);
    }
    if (!quoted && name === 'status' && /^\dxx$/.test(text)) {
      return Math.floor(Number(found) / 100) === Number(text[0]);
    }
    const folded = name === 'method' || name === 'kind';
    const own = folded ? attributeText(found).toLowerCase() : attributeText(found);
    const wanted = folded ? text.toLowerCase() : text;
    if (!quoted && text.includes('*')) {
      return new RegExp(`^${wanted.split('*').map(escape).join('.*')}$`, 'su').test(own);
    }
    return own === wanted || (typeof found === 'number' && text !== '' && Number(text) === found);
  }

  #isComparable(text: string): boolean {
    return this.#quantity(text) !== undefined;
  }

  #compare(name: string, op: string, text: string, found: AttributeValue): boolean {
    const wanted = this.#quantity(text);
    const own = wanted === undefined ? undefined : this.#own(name, wanted.kind, found);
    if (wanted === undefined || own === undefined) return false;
    if (op === '>') return own > wanted.value;
    if (op === '>=') return own >= wanted.value;
    return op === '<' ? own < wanted.value : own <= wanted.value;
  }

  /** The value of a record in the wanted kind. */
  #own(name: string, kind: string, found: AttributeValue): number | bigint | undefined {
    if (typeof found === 'string') {
      const read = this.#quantity(found);
      if (read?.kind === kind) return read.value;
      return read?.kind === 'number' ? this.#own(name, kind, read.value) : undefined;
    }
    if (typeof found !== 'number' && typeof found !== 'bigint') return undefined;
    if (kind === 'level') return name === 'level' && found !== 0 ? found : undefined;
    if (kind === 'duration') return ['duration', 'took_ms'].includes(name) ? found : undefined;
    if (kind === 'time') return found >= 1e11 ? found : undefined;
    return found;
  }

  #quantity(text: string): { readonly kind: string; readonly value: number | bigint } | undefined {
    if (/^-?\d+(\.\d+)?$/.test(text)) return { kind: 'number', value: Number(text) };
    const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|KiB|MiB)$/.exec(text) ?? [];
    if (unit === 'ms' || unit === 's') return { kind: 'duration', value: Number(digits) * (unit === 's' ? 1_000 : 1) };
    if (unit !== undefined) return { kind: 'size', value: Number(digits) * (unit === 'KiB' ? 1_024 : 1_024 ** 2) };
    const hours = /^now(?:-(\d+)h)?$/.exec(text);
    if (hours !== null) return { kind: 'time', value: this.#nowMs - Number(hours[1] ?? 0) * 3_600_000 };
    if (/^\d{4}-\d\d-\d\dT/.test(text)) return { kind: 'time', value: Date.parse(text) };
    const level = LEVELS.indexOf(text.toLowerCase());
    return level < 0 ? undefined : { kind: 'level', value: 4 * level + 1 };
  }
}
