import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { check, resolve } from '../../src/config/resolve.ts';
import { address, duration, httpUrl, isLoopback, ratio, secret, size } from '../../src/config/types.ts';
import { VitrineError } from '../../src/base/errors.ts';

const schema = z.strictObject({
  balancer: z
    .strictObject({
      listen: address().optional(),
      upstreams: z.array(httpUrl()).default([]),
      policy: z.enum(['round_robin', 'least_inflight']).default('least_inflight'),
    })
    .prefault({}),
  store: z
    .strictObject({ max_size: size({ min: 1024 }).optional(), retention: duration({ min: 1000 }).optional() })
    .prefault({}),
  alerts: z.array(z.strictObject({ name: z.string(), over: duration(), ratio: ratio().optional() })).default([]),
  auth: z.strictObject({ token: secret().optional() }).prefault({}),
});

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-config-'));
let files = 0;
function file(text: string): string {
  files += 1;
  const name = path.join(dir, `c${files}.yaml`);
  writeFileSync(name, text);
  return name;
}
const textOf = (text: string, env: Record<string, string> = {}): string => {
  const name = file(text);
  return check(schema, { file: name, env }).text.replaceAll(name, 'f.yaml');
};

describe('resolve', () => {
  it('lets the environment overrule the file, and flags the environment', () => {
    const name = file('balancer: { listen: "127.0.0.1:1", policy: round_robin }\n');
    const value = resolve(schema, {
      file: name,
      env: { VITRINE_BALANCER__LISTEN: ':2', VITRINE_BALANCER__UPSTREAMS: 'http://a, http://b' },
      flags: { 'balancer.listen': ':3', 'store.retention': undefined },
    });
    expect(value.balancer).toEqual({
      listen: { host: '127.0.0.1', port: 3 },
      upstreams: ['http://a', 'http://b'],
      policy: 'round_robin',
    });
  });

  it('replaces variables, with defaults, and leaves $$ as one dollar', () => {
    const value = resolve(schema, {
      file: file('alerts:\n  - { name: "${A}-${B:-b}-$$", over: 5s }\n'),
      env: { A: 'a' },
    });
    expect(value.alerts[0].name).toBe('a-b-$');
  });

  it('takes secrets from files and shows them to nobody', () => {
    const tokenFile = path.join(dir, 'token');
    writeFileSync(tokenFile, 'hush\n');
    const { auth } = resolve(schema, { file: file(`auth: { token_file: ${tokenFile} }\n`), env: {} });
    expect(auth.token?.reveal()).toBe('hush');
    expect(`${String(auth.token)} ${JSON.stringify(auth)} ${inspect(auth)}`).not.toContain('hush');
  });

  it('says every problem with its place, its line and what to write instead', () => {
    expect(textOf('alerts:\n  - name: A\n    over: 5q\nalert: []\nbalancer:\n  polcy: x\n')).toBe(
      [
        'f.yaml:3:11  alerts[0].over: expected a duration such as "250ms", "5s" or "2m", got "5q"',
        '    2 |   - name: A',
        '    3 |     over: 5q',
        '      |           ^^',
        'f.yaml:4:1  alert: unknown key. Did you mean "alerts"?',
        '    3 |     over: 5q',
        '    4 | alert: []',
        '      | ^^^^^',
        'f.yaml:6:3  balancer.polcy: unknown key. Did you mean "policy"?',
        '    5 | balancer:',
        '    6 |   polcy: x',
        '      |   ^^^^^',
        '3 problems.',
      ].join('\n'),
    );
  });

  it.each([
    [
      'balancer: { policy: least_infligt }',
      'f.yaml:1:21  balancer.policy: expected "round_robin" or "least_inflight", got "least_infligt". Did you mean "least_inflight"?',
    ],
    ['balancer: { upstreams: http://a }', 'f.yaml:1:24  balancer.upstreams: expected a list, got "http://a"'],
    [
      'balancer: { listen: 8080 }',
      'f.yaml:1:21  balancer.listen: expected an address such as "127.0.0.1:8080", got 8080',
    ],
    [
      'store: { max_size: 10 }',
      'f.yaml:1:20  store.max_size: expected a size such as "64MiB" or "512KiB" of at least 1024 bytes, got 10',
    ],
    [
      'store: { retention: 1ms }',
      'f.yaml:1:21  store.retention: expected a duration such as "250ms", "5s" or "2m" of at least 1000 ms, got "1ms"',
    ],
    ['alerts: [{ over: 5s }]', 'f.yaml:1:10  alerts[0].name: is needed (a text)'],
    [
      'alerts: [{ name: a, over: 5s, ratio: 110% }]',
      'f.yaml:1:38  alerts[0].ratio: expected a ratio such as 0.1 or "10%", got "110%"',
    ],
    ['a: 1\na: 2', 'f.yaml:2:1  this key is given twice'],
    ['alerts:\n\t- x', 'f.yaml:2:1  tabs cannot be used for indentation; use spaces'],
    ['auth: { token: "${NOT_SET}" }', 'f.yaml:1:16  auth.token: the environment variable NOT_SET is not set'],
    ['auth: { token_file: /does/not/exist }', 'f.yaml:1:21  auth.token_file: the file cannot be read (ENOENT)'],
    [
      'auth: { token: a, token_file: /dev/null }',
      'f.yaml:1:31  auth.token_file: token and token_file exclude each other',
    ],
    ['- 1', 'f.yaml:1:1  the file must hold keys and values at its top level'],
    ['__proto__: { polluted: true }', 'f.yaml:1:1  __proto__: unknown key'],
    ['x: &a [*a]', 'more than'],
  ])('%s', (text, expected) => {
    expect(textOf(text)).toContain(expected);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('names the variable when the environment is wrong', () => {
    expect(textOf('', { VITRINE_STORE__MAX_SIZE: 'big' })).toContain(
      'store.max_size (from VITRINE_STORE__MAX_SIZE): expected a size',
    );
  });

  it('refuses bombs quickly', () => {
    const laughs = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'
        .split('')
        .map((name, at) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[at]}`).join(',')}]`),
    ].join('\n');
    expect(textOf(laughs)).toContain('more than 100 aliases');
    expect(textOf(`x: ${'a'.repeat(1_100_000)}`)).toContain('larger than 1 MiB');
    expect(textOf(`${'['.repeat(60)}${']'.repeat(60)}`)).toContain('more than 32 levels deep');
  });

  it('fails with exit code 3 and all of the text', () => {
    const attempt = (): unknown => resolve(schema, { file: file('nope: 1'), env: {} });
    expect(attempt).toThrow(VitrineError);
    expect(attempt).toThrow(/nope: unknown key/);
    expect(() => resolve(schema, { file: '/does/not/exist.yaml', env: {} })).toThrow(/cannot be read \(ENOENT\)/);
  });
});

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['localhost', true],
    ['::1', true],
    ['127.9.9.9', true],
    ['0.0.0.0', false],
    ['10.0.0.1', false],
    ['::', false],
  ])('%s', (host, expected) => expect(isLoopback(host)).toBe(expected));
});
