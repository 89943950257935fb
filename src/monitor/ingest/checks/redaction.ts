/**
 * The rules that remove secrets from received data (`ingest.redact`, `ingest.logs.redact`). One set of rules holds for all
 * that is stored or passed on: log records, spans with their events and links, resources, labels of series and of exemplars.
 */
import { RE2JS } from 're2js';
import { VitrineError } from '../../../base/errors.ts';
import { prometheusLabelName } from '../../../model/naming.ts';
import { compileRe2, MAX_REGEX_LENGTH } from '../../../model/text/regex.ts';

export type RedactRule =
  /** The value of this field is replaced; `*` stands for any characters of its dotted name. */
  | { readonly field: string }
  /** Matches of this RE2 expression in texts are replaced. */
  | { readonly pattern: string; readonly with?: string | undefined };

export const REDACTED = '[REDACTED]';

interface TextRule {
  readonly regex: RE2JS;
  readonly with: string;
}

export class Redaction {
  static readonly none = new Redaction([]);
  readonly #fields: readonly RegExp[];
  readonly #labels: readonly RegExp[];
  readonly #patterns: readonly TextRule[];

  /** @throws VitrineError `config_invalid` for an expression that is not RE2 */
  constructor(rules: readonly RedactRule[]) {
    const fields = rules.flatMap((rule) => ('field' in rule ? [rule.field] : []));
    this.#fields = fields.map((name) => namePattern(name));
    this.#labels = fields.map((name) => namePattern(name.split(/\*+/).map(labelPart).join('*')));
    this.#patterns = rules.flatMap((rule) =>
      'pattern' in rule ? [{ regex: regexOf(rule.pattern), with: RE2JS.quoteReplacement(rule.with ?? REDACTED) }] : [],
    );
  }

  get isEmpty(): boolean {
    return this.#fields.length === 0 && this.#patterns.length === 0;
  }

  /** Whether fields are replaced by name. */
  get readsNames(): boolean {
    return this.#fields.length > 0;
  }

  /** Whether texts are searched. */
  get readsTexts(): boolean {
    return this.#patterns.length > 0;
  }

  /** Whether the value of the field with this dotted name is replaced as a whole. */
  hides(path: string): boolean {
    return this.#fields.some((pattern) => pattern.test(path));
  }

  /** As `hides`, for a label or a field inside it: rules are written with OpenTelemetry's names or with Prometheus' names. */
  hidesLabel(path: string): boolean {
    return this.hides(path) || this.#labels.some((pattern) => pattern.test(prometheusLabelName(path)));
  }

  text(text: string): string {
    let out = text;
    for (const { regex, with: replacement } of this.#patterns) {
      if (regex.test(out)) out = regex.matcher(out).replaceAll(replacement);
    }
    return out;
  }
}

/** Names are compared without regard to case, as header and field names of one meaning differ in it. */
function namePattern(name: string): RegExp {
  const parts = name.split(/\*+/).map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^]*')}$`, 'i');
}

/** A part of a name as it stands in labels. A part of separators alone, as in `*.*`, is one `_`. */
const labelPart = (part: string): string => (part === '' ? '' : prometheusLabelName(part) || '_');

function regexOf(pattern: string): RE2JS {
  const regex = pattern.length > MAX_REGEX_LENGTH ? 'it is too long' : compileRe2(pattern);
  if (typeof regex !== 'string') return regex;
  throw new VitrineError('config_invalid', `redact: ${JSON.stringify(pattern)}: ${regex}`);
}
