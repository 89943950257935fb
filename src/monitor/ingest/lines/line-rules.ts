/**
 * The last step before log records are stored or passed on, on every road (OTLP, NDJSON, files, frames): redaction by the
 * configured rules, then limits on the size of texts and the number of fields. What is cut is counted and can be seen on the
 * record.
 */
import { RE2JS } from 're2js';
import { VitrineError } from '../../../base/errors.ts';
import type { AppendResult, LogSink } from '../../../model/ports.ts';
import { newBag, type Attributes, type AttributeValue, type LogRecord } from '../../../model/records.ts';
import {
  cutText,
  OMITTED,
  RECORD_LIMITS,
  ResourceLimits,
  type CutReason,
  type RecordLimits,
} from '../checks/record-limits.ts';
import { compileRe2, MAX_REGEX_LENGTH } from '../../../model/text/regex.ts';

export type RedactRule =
  /** The value of this field is replaced; `*` stands for any characters of its dotted name. */
  | { readonly field: string }
  /** Matches of this RE2 expression in message and texts are replaced. */
  | { readonly pattern: string; readonly with?: string | undefined };

export const REDACTED = '[REDACTED]';

export interface LineRulesOptions {
  readonly sink: LogSink;
  readonly redact?: readonly RedactRule[] | undefined;
  readonly limits?: RecordLimits | undefined;
  readonly onCut?: ((reason: CutReason) => void) | undefined;
}

interface Work {
  fieldsLeft: number;
  omitted: number;
  cut: boolean;
}

/** @throws VitrineError `config_invalid` for an expression that is not RE2 */
export class LineRules implements LogSink {
  readonly #sink: LogSink;
  readonly #limits: RecordLimits;
  readonly #resources: ResourceLimits;
  readonly #onCut: (reason: CutReason) => void;
  readonly #fields: readonly RegExp[];
  readonly #patterns: readonly { readonly regex: RE2JS; readonly with: string }[];

  constructor({ sink, redact = [], limits = RECORD_LIMITS, onCut = () => {} }: LineRulesOptions) {
    this.#sink = sink;
    this.#limits = limits;
    this.#resources = new ResourceLimits(limits);
    this.#onCut = onCut;
    this.#fields = redact.flatMap((rule) => ('field' in rule ? [namePattern(rule.field)] : []));
    this.#patterns = redact.flatMap((rule) =>
      'pattern' in rule ? [{ regex: regexOf(rule.pattern), with: RE2JS.quoteReplacement(rule.with ?? REDACTED) }] : [],
    );
  }

  append(records: readonly LogRecord[]): AppendResult | Promise<AppendResult> {
    return this.#sink.append(records.map((record) => this.#care(record)));
  }

  #care(record: LogRecord): LogRecord {
    if (this.#patterns.length === 0 && this.#fields.length === 0 && this.#isSmall(record)) return record;
    const work: Work = { fieldsLeft: this.#limits.fields, omitted: 0, cut: false };
    const body = this.#value(record.body, 'message', work);
    const attributes = this.#bag(record.attributes, '', work);
    if (work.omitted > 0) {
      (attributes as Record<string, AttributeValue>)[OMITTED] = work.omitted;
      this.#onCut('fields');
    }
    const resource = this.#resources.of(record.resource);
    const severityText = this.#cut(record.severityText, work);
    if (work.cut || resource !== record.resource) this.#onCut('text');
    return { ...record, body, attributes, severityText, resource };
  }

  /** Whether the record is within the limits as it is: nearly all are, and need no copy. */
  #isSmall({ body, attributes, severityText, resource }: LogRecord): boolean {
    const { textLength } = this.#limits;
    if (severityText.length > textLength || this.#resources.of(resource) !== resource) return false;
    let fieldsLeft = this.#limits.fields;
    const fits = (value: AttributeValue): boolean => {
      if (typeof value === 'string') return value.length <= textLength;
      if (typeof value !== 'object' || value === null) return true;
      for (const name of Object.keys(value)) {
        fieldsLeft -= 1;
        if (fieldsLeft < 0 || name.length > textLength) return false;
        if (!fits((value as Attributes)[name])) return false;
      }
      return true;
    };
    return fits(body) && fits(attributes);
  }

  #bag(attributes: Attributes, prefix: string, work: Work): Attributes {
    const copy = newBag();
    for (const name of Object.keys(attributes)) {
      if (work.fieldsLeft <= 0) {
        work.omitted += 1;
        continue;
      }
      work.fieldsLeft -= 1;
      const path = prefix === '' ? name : `${prefix}.${name}`;
      copy[this.#cut(name, work)] = this.#value(attributes[name], path, work);
    }
    return copy;
  }

  #value(value: AttributeValue, path: string, work: Work): AttributeValue {
    if (value !== null && this.#fields.some((pattern) => pattern.test(path))) return REDACTED;
    if (typeof value === 'string') return this.#cut(this.#redacted(value, work), work);
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) return this.#bag(value as Attributes, path, work);
    const items: AttributeValue[] = [];
    for (const item of value as readonly AttributeValue[]) {
      if (work.fieldsLeft <= 0) work.omitted += 1;
      else {
        work.fieldsLeft -= 1;
        items.push(this.#value(item, path, work));
      }
    }
    return items;
  }

  /** Texts far over the limit are cut before they are searched: a match at the cut could otherwise leave half a secret. */
  #redacted(text: string, work: Work): string {
    if (this.#patterns.length === 0) return text;
    const longest = 2 * this.#limits.textLength;
    if (text.length > longest) work.cut = true;
    let out = text.length > longest ? text.slice(0, longest) : text;
    for (const { regex, with: replacement } of this.#patterns) {
      if (regex.test(out)) out = regex.matcher(out).replaceAll(replacement);
    }
    return out;
  }

  #cut(text: string, work: Work): string {
    if (text.length <= this.#limits.textLength) return text;
    work.cut = true;
    return cutText(text, this.#limits.textLength);
  }
}

/** Names are compared without regard to case, as header and field names of one meaning differ in it. */
function namePattern(name: string): RegExp {
  const parts = name.split(/\*+/).map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^]*')}$`, 'i');
}

function regexOf(pattern: string): RE2JS {
  const regex = pattern.length > MAX_REGEX_LENGTH ? 'it is too long' : compileRe2(pattern);
  if (typeof regex !== 'string') return regex;
  throw new VitrineError('config_invalid', `ingest.logs.redact: ${JSON.stringify(pattern)}: ${regex}`);
}
