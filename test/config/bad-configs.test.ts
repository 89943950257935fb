/** Each file in test/fixtures/config/bad has a mistake; the text file beside it has the expected message. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../src/base/errors.ts';
import { loadConfig } from '../../src/config/load.ts';
import { exampleSchema } from './example-schema.ts';

const FOLDER = path.resolve(import.meta.dirname, '../fixtures/config/bad');
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));

function messageOf(text: string): string {
  try {
    loadConfig({ schema: exampleSchema, file: 'vitrine.yaml', text, env: {} });
    return 'accepted';
  } catch (error) {
    if (error instanceof VitrineError && error.code === 'config_invalid') return error.message;
    throw error;
  }
}

describe('bad configurations', () => {
  it('are many', () => expect(files.length).toBeGreaterThanOrEqual(40));

  it.each(files)('%s', async (file) => {
    const message = messageOf(readFileSync(path.join(FOLDER, file), 'utf8'));
    const beside = path.join(FOLDER, file.replace('.yaml', '.txt'));
    expect(message).toMatch(/vitrine\.yaml:\d+:\d+/);
    expect(message).not.toContain('hidden-value');
    if (!existsSync(beside)) expect.unreachable(`${beside} is missing`);
    await expect(`${message}\n`).toMatchFileSnapshot(beside);
  });

  it('answers any mutation of a good file with a configuration or a message with a place, never with another error', () => {
    const good =
      'balancer:\n  listen: 127.0.0.1:1\n  upstreams: [http://a:1, { url: http://b:2, weight: 3 }]\nalerts:\n  - { name: a, above: 1, for: 5m }\nauth: { token: abc }\n';
    const odd = constantFrom(
      '\t',
      '{',
      '}',
      '[',
      ']',
      ':',
      '"',
      "'",
      '&a ',
      '*a',
      '!!x ',
      '- ',
      '#',
      '%',
      '|',
      '>',
      '\n',
      '\r',
      '$',
      '${',
      '\u0000',
      '__proto__: ',
    );
    assert(
      property(
        integer({ min: 0, max: good.length }),
        integer({ min: 0, max: 6 }),
        odd,
        string({ maxLength: 3 }),
        (at, cut, extra, more) => {
          const message = messageOf(good.slice(0, at) + extra + more + good.slice(at + cut));
          if (message !== 'accepted') expect(message).toMatch(/vitrine\.yaml:\d+:\d+/);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('refuses bombs quickly', () => {
    const laughs = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 12; i += 1) {
      const [last, next] = [i - 1, i].map((n) => String.fromCodePoint(97 + n));
      laughs.push(`${next}: &${next} [${Array.from({ length: 10 }, () => `*${last}`).join(',')}]`);
    }
    const bombs = [
      laughs.join('\n'),
      '['.repeat(100_000),
      '{a: '.repeat(50_000),
      '- '.repeat(50_000),
      Array.from({ length: 5_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      `a: ${'x'.repeat(11 * 1_024 * 1_024)}`,
      'a: \u0000',
    ];
    for (const bomb of bombs) {
      const before = performance.now();
      expect(messageOf(bomb)).toMatch(/alias|nested|10 MiB|not text/i);
      expect(performance.now() - before).toBeLessThan(5_000);
    }
  });
});
