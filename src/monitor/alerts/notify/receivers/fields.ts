/**
 * Field types of Alertmanager's file as zod schemas. All scalars of the file arrive as text, because in Go the type of the
 * field decides the meaning: `version: 1.10` is the text "1.10" in a text field.
 */
import { z } from 'zod';
import { parseDurationMs } from '../../../../base/units.ts';
import { Secret } from '../../../../config/types.ts';

const WORDS: ReadonlyMap<string, boolean> = new Map(
  (['true', 'yes', 'on', 'y'] as const)
    .map((word): [string, boolean] => [word, true])
    .concat((['false', 'no', 'off', 'n'] as const).map((word): [string, boolean] => [word, false])),
);

function parsed<T>(expected: string, parse: (input: string) => T | undefined): z.ZodType<T, string> {
  return z.string({ error: expected }).transform((input, context) => {
    const value = parse(input);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected, input });
    return z.NEVER;
  });
}

/** YAML 1.1's words, which Alertmanager accepts: `true`, `yes`, `on` and their opposites. */
export const bool = (): z.ZodType<boolean, string> =>
  parsed('true or false', (input) => WORDS.get(input.toLowerCase()));

export const text = (): z.ZodType<string, string> => z.string({ error: 'a text' });

export const nonEmpty = (expected = 'a text that is not empty'): z.ZodType<string, string> =>
  parsed(expected, (input) => (input === '' ? undefined : input));

/** Never shown: not in messages, not in `/api/v2/status`. */
export const secretText = (): z.ZodType<Secret, string> =>
  parsed('a non-empty text (kept secret)', (input) => (input === '' ? undefined : new Secret(input)));

/** Prometheus' durations, in milliseconds. */
export const goDuration = (): z.ZodType<number, string> =>
  parsed('a duration like "5m"', (input) => (input === '0' ? 0 : parseDurationMs(input)));

export const wholeNumber = (): z.ZodType<number, string> =>
  parsed('a whole number from 0', (input) => (/^\d{1,15}$/.test(input) ? Number(input) : undefined));

/** An http or https URL that may be shown. */
export const plainUrl = (): z.ZodType<string, string> =>
  parsed('a URL like "https://example.org/"', (input) => (isHttpUrl(input) ? input : undefined));

export const secretUrl = (): z.ZodType<Secret, string> =>
  parsed('a URL like "https://example.org/" (kept secret)', (input) =>
    isHttpUrl(input) ? new Secret(input) : undefined,
  );

/** A URL or a template of one, which is complete only when it is expanded. */
export const secretTemplateUrl = (): z.ZodType<Secret, string> =>
  parsed('a URL like "https://example.org/" (kept secret)', (input) =>
    input.includes('{{') || isHttpUrl(input) ? new Secret(input) : undefined,
  );

export function isHttpUrl(input: string): boolean {
  const url = URL.parse(input);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.host !== '';
}

export const textList = (): z.ZodType<string[], string[]> => z.array(text(), { error: 'a list' });

/** Names with values; the keys are any text. */
export const textMap = (): z.ZodType<Record<string, string>, Record<string, string>> =>
  z.record(z.string(), text(), { error: 'an object' });

type Refine = (entry: Readonly<Record<string, unknown>>, context: z.RefinementCtx) => void;

const isSet = (value: unknown): boolean => value !== undefined && value !== '';

/** One of the fields must be set. What `global` gives has been filled in before. */
export const needsOne =
  (names: readonly string[]): Refine =>
  (entry, context) => {
    if (names.some((name) => isSet(entry[name]))) return;
    context.addIssue({ code: 'custom', params: { sentence: true }, message: `${names.join(' or ')} must be set` });
  };

export const atMostOne =
  (names: readonly string[]): Refine =>
  (entry, context) => {
    if (names.filter((name) => isSet(entry[name])).length < 2) return;
    const message = `at most one of ${names.join(' and ')} can be set`;
    context.addIssue({ code: 'custom', params: { sentence: true }, message });
  };
