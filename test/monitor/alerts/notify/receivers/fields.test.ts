import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import * as fields from '../../../../../src/monitor/alerts/notify/receivers/fields.ts';
import { RECEIVER_KINDS } from '../../../../../src/monitor/alerts/notify/receivers/table.ts';

const shown = (schema: z.ZodType, input: string): string => {
  const read = schema.safeParse(input);
  return read.success ? JSON.stringify(read.data) : `no: ${read.error.issues[0]?.message}`;
};

describe('fields of the file', () => {
  it.each([
    [fields.bool(), 'yes', 'true'],
    [fields.bool(), 'Off', 'false'],
    [fields.bool(), '1', 'no: true or false'],
    [fields.nonEmpty(), '', 'no: a text that is not empty'],
    [fields.nonEmpty(), '5', '"5"'],
    [fields.secretText(), 'x', '"<secret>"'],
    [fields.secretText(), '', 'no: a non-empty text (kept secret)'],
    [fields.goDuration(), '1h30m', '5400000'],
    [fields.goDuration(), '0', '0'],
    [fields.goDuration(), '5', 'no: a duration like "5m"'],
    [fields.wholeNumber(), '12', '12'],
    [fields.wholeNumber(), '1.5', 'no: a whole number from 0'],
    [fields.plainUrl(), 'https://a/b', '"https://a/b"'],
    [fields.plainUrl(), 'gopher://a/b', 'no: a URL like "https://example.org/"'],
    [fields.secretUrl(), 'https://a/b', '"<secret>"'],
    [fields.secretUrl(), 'https://', 'no: a URL like "https://example.org/" (kept secret)'],
    [fields.secretTemplateUrl(), '{{ .ExternalURL }}/x', '"<secret>"'],
  ])('%# reads %s', (schema, input, expected) => {
    expect(shown(schema, input)).toBe(expected);
  });

  it('reads maps of texts with any key', () => {
    const read = fields.textMap().parse(JSON.parse('{"constructor":"x","ü":"y"}'));
    expect(Object.entries(read)).toEqual([
      ['constructor', 'x'],
      ['ü', 'y'],
    ]);
  });

  it('has one kind of receiver for each key', () => {
    for (const part of ['name', 'key'] as const) {
      const all = RECEIVER_KINDS.map((kind) => kind[part]);
      expect(new Set(all).size).toBe(all.length);
    }
  });
});
