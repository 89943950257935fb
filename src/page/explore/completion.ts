/** What can be typed at the caret of a PromQL text, and the choices for it, best first. Pure. */
import { KEYWORDS, tokensOf, type Token } from './promql-tokens.ts';

export type Context =
  | { readonly kind: 'expression' }
  | { readonly kind: 'label'; readonly metric: string }
  | { readonly kind: 'value'; readonly metric: string; readonly label: string }
  | { readonly kind: 'duration' }
  | { readonly kind: 'none' };

export interface Caret {
  readonly context: Context;
  /** The part of the text that a choice replaces. */
  readonly from: number;
  readonly to: number;
  /** What was typed of it so far. */
  readonly typed: string;
}

const isWord = ({ kind }: Token): boolean => kind === 'name' || kind === 'function' || kind === 'keyword';

/** Tokens that count, up to the caret. */
function before(text: string, at: number): Token[] {
  return tokensOf(text.slice(0, at)).filter(({ kind }) => kind !== 'space' && kind !== 'comment');
}

/** The innermost bracket that is open at the end, and the name before it. */
function openBracket(tokens: readonly Token[]): { bracket: string; name: string; index: number } | undefined {
  const open: number[] = [];
  for (const [index, { text }] of tokens.entries()) {
    if (text === '(' || text === '{' || text === '[') open.push(index);
    if (text === ')' || text === '}' || text === ']') open.pop();
  }
  const index = open.at(-1);
  if (index === undefined) return undefined;
  const name = tokens[index - 1];
  return { bracket: tokens[index].text, name: name !== undefined && isWord(name) ? name.text : '', index };
}

const GROUPING: ReadonlySet<string> = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);

/** The metrics in a text: names that are called by no bracket and are followed by no matcher. */
const metricsIn = (text: string): readonly Token[] =>
  tokensOf(text).filter(({ kind }, at, all) => {
    const next = all.slice(at + 1).find((one) => one.kind !== 'space');
    return kind === 'name' && (next === undefined || !/^[=!~,]/.test(next.text));
  });

const isTyped = ({ kind }: Token): boolean => kind === 'string' || kind === 'duration' || kind === 'number';

/** The token that ends at the caret and can still be completed. */
function typedToken(tokens: readonly Token[], at: number): Token | undefined {
  const last = tokens.at(-1);
  if (last === undefined || last.start + last.text.length !== at) return undefined;
  return isWord(last) || isTyped(last) ? last : undefined;
}

export function caretAt(text: string, at: number): Caret {
  const tokens = before(text, at);
  const last = typedToken(tokens, at);
  const typed = last?.text ?? '';
  const done = last === undefined ? tokens : tokens.slice(0, -1);
  const open = openBracket(done);
  const span = { from: at - typed.length, to: at, typed };
  if (open?.bracket === '[') return { ...span, context: { kind: 'duration' } };
  if (open?.bracket === '{') return { ...span, ...inBraces(done, open.name, typed, span, text) };
  const metric = groupedMetric(text, at, done, open);
  if (metric !== undefined) return { ...span, context: { kind: 'label', metric } };
  return { ...span, context: { kind: last !== undefined && isTyped(last) ? 'none' : 'expression' } };
}

/** The metric whose labels a clause such as `by (` takes; undefined outside of one. */
function groupedMetric(
  text: string,
  at: number,
  done: readonly Token[],
  open: ReturnType<typeof openBracket>,
): string | undefined {
  if (open === undefined || open.bracket !== '(' || !GROUPING.has(open.name)) return undefined;
  const clause = done[open.index - 1]?.start ?? 0;
  const metrics = metricsIn(text);
  const nearest = metrics.findLast(({ start }) => start < clause) ?? metrics.find(({ start }) => start >= at);
  return nearest?.text ?? '';
}

function inBraces(
  done: readonly Token[],
  metric: string,
  typed: string,
  span: { from: number; to: number },
  text: string,
): Pick<Caret, 'context' | 'from' | 'to' | 'typed'> {
  const operator = done.at(-1)?.text ?? '';
  const isMatch = /^[=!~]$/.test(operator);
  if (!isMatch) return { ...span, typed, context: { kind: 'label', metric } };
  const label = done.findLast(isWord)?.text ?? '';
  const value = typed.replace(/^["']/, '');
  // A choice replaces the text up to its closing quote.
  const closing = /^[^"'\n,}]*["']/.exec(text.slice(span.to))?.[0].length ?? 0;
  return {
    from: span.from,
    to: span.to + (typed === '' ? 0 : closing),
    typed: value,
    context: { kind: 'value', metric, label },
  };
}

export interface Choice {
  readonly text: string;
  /** What is inserted; the caret goes to the end of it. */
  readonly insert: string;
  readonly detail: string;
}

const DURATIONS = ['1m', '5m', '15m', '1h', '1d', '$__rate_interval', '$__interval'];

const WORDS: readonly Choice[] = KEYWORDS.map((text) => ({ text, insert: `${text} `, detail: 'keyword' }));

/** Names, label names or values that the server knows. */
export function choicesOf(
  { context, typed }: Caret,
  known: readonly string[],
  helpOf: (name: string) => string,
  functions: readonly string[] = [],
): Choice[] {
  if (context.kind === 'none') return [];
  if (context.kind === 'duration')
    return ranked(
      DURATIONS.map((text) => ({ text, insert: text, detail: '' })),
      typed,
    );
  if (context.kind === 'label')
    return ranked(
      known.map((text) => ({ text, insert: text, detail: 'label' })),
      typed,
    );
  if (context.kind === 'value') {
    return ranked(
      known.map((text) => ({ text, insert: JSON.stringify(text), detail: 'value' })),
      typed,
    );
  }
  const metrics = known.map((text) => ({ text, insert: text, detail: helpOf(text) }));
  const calls = functions.map((text) => ({ text, insert: `${text}(`, detail: 'function' }));
  return ranked([...calls, ...WORDS, ...metrics], typed);
}

const MAX_CHOICES = 50;

/** Those that begin with what was typed, then those that contain it, then those that have its letters in order. */
export function ranked(choices: readonly Choice[], typed: string): Choice[] {
  const wanted = typed.toLowerCase();
  if (wanted === '') return choices.slice(0, MAX_CHOICES);
  const rank = ({ text }: Choice): number => {
    const name = text.toLowerCase();
    if (name === wanted) return 0;
    if (name.startsWith(wanted)) return 1;
    if (name.includes(`_${wanted}`)) return 2;
    if (name.includes(wanted)) return 3;
    let at = 0;
    for (const letter of name) if (letter === wanted[at]) at += 1;
    return at === wanted.length ? 4 : 9;
  };
  return choices
    .map((choice) => ({ choice, rank: rank(choice) }))
    .filter((one) => one.rank < 9)
    .sort((a, b) => a.rank - b.rank || a.choice.text.length - b.choice.text.length)
    .slice(0, MAX_CHOICES)
    .map(({ choice }) => choice);
}
