import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readConfigFile } from '../../src/config/config-file.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadOptions } from '../../src/config/load.ts';
import { nearest } from '../../src/config/schema-walk.ts';
import { parseAddress, Secret } from '../../src/config/types.ts';
import { exampleSchema } from './example-schema.ts';

type Example = z.infer<typeof exampleSchema>;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'vitrine-config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function load(text: string | undefined, more: Partial<LoadOptions<Example>> = {}): Example {
  return loadConfig({ schema: exampleSchema, file: path.join(directory, 'v.yaml'), text, env: {}, ...more }).config;
}

describe('loadConfig', () => {
  it('gives defaults without a file, an empty file and empty sections', () => {
    for (const text of [undefined, '', '# nothing\n', 'balancer:\ncache:\n', '{}']) {
      expect(load(text).balancer).toMatchObject({ listen: { host: '127.0.0.1', port: 8080 }, timeout: 30_000 });
    }
  });

  it('reads units, YAML and JSON in the same way, with a BOM, CRLF and anchors', () => {
    const yaml = load(
      '\uFEFFbalancer:\r\n  listen: "[::1]:9"\r\n  timeout: 1m30s\r\ncache: { max_size: 2MiB, hit_goal: 10% }\r\n',
    );
    const json = load(
      '{"balancer": {"listen": "[::1]:9", "timeout": "1m30s"}, "cache": {"max_size": "2MiB", "hit_goal": 0.1}}',
    );
    expect(yaml).toEqual(json);
    expect(yaml).toMatchObject({
      balancer: { listen: { host: '::1', port: 9 }, timeout: 90_000 },
      cache: { max_size: 2_097_152 },
    });
    const anchors = load('alerts:\n  - &a { name: a, above: 1 }\n  - *a\n');
    expect(anchors.alerts).toHaveLength(2);
  });

  it('lets environment override the file and flags override the environment', () => {
    const env = {
      VITRINE_BALANCER__LISTEN: '127.0.0.1:2',
      VITRINE_BALANCER__ACCESS_LOG: 'true',
      VITRINE_TOKEN: 'x',
      VITRINE_ALERTS__0__ABOVE: '7',
    };
    const text = 'balancer: { listen: "127.0.0.1:1", timeout: 1s }\nalerts: [{ name: a, above: 1 }]\n';
    const flags = [{ path: ['balancer', 'timeout'], value: '2s', source: '--timeout' }];
    expect(load(text, { env, flags })).toMatchObject({
      balancer: { listen: { port: 2 }, access_log: true, timeout: 2_000 },
      alerts: [{ above: 7 }],
    });
  });

  it('names the variable or flag a bad value came from', () => {
    const env = { VITRINE_BALANCER__POLICY: 'random', VITRINE_BALANCER__POLICI: 'x' };
    const flags = [{ path: ['balancer', 'timeout'], value: 'soon', source: '--timeout' }];
    expect(() => load('', { env, flags })).toThrow(/VITRINE_BALANCER__POLICY balancer\.policy: expected one of/);
    expect(() => load('', { env, flags })).toThrow(/--timeout balancer\.timeout: expected a duration/);
    expect(() => load('', { env })).toThrow(
      /VITRINE_BALANCER__POLICI balancer\.polici: unknown key "polici", did you mean "policy"/,
    );
    expect(() => load('balancer: {access_log: true}', { env: { VITRINE_BALANCER__ACCESS_LOG__X: '1' } })).toThrow(
      /no object/,
    );
  });

  it('substitutes variables, defaults and dollars', () => {
    const env = { HOST: 'h', PORT: '81', WEIGHT: '5', EMPTY: '' };
    const text = [
      'balancer:',
      '  listen: ${HOST}:${PORT}',
      '  upstreams:',
      '    - url: http://a:1',
      '      weight: ${WEIGHT}',
      'cache: { name: "$$${EMPTY:-d}${NONE:-e}$x" }',
    ];
    expect(load(text.join('\n'), { env })).toMatchObject({
      balancer: { listen: { host: 'h', port: 81 }, upstreams: [{ weight: 5 }] },
      cache: { name: '$de$x' },
    });
    // A quoted value stays a text, as everywhere in YAML.
    expect(() => load(text.join('\n').replace('${WEIGHT}', '"${WEIGHT}"'), { env })).toThrow(
      'expected a number, got "5"',
    );
  });

  it('reads secrets from files and never shows them', () => {
    writeFileSync(path.join(directory, 'token'), 'hunter2\n', { mode: 0o644 });
    const options = {
      schema: exampleSchema,
      file: path.join(directory, 'v.yaml'),
      text: 'auth: { token_file: token }',
      env: {},
    };
    const { config, warnings } = loadConfig(options);
    expect(config.auth.token?.reveal()).toBe('hunter2');
    expect(warnings).toEqual(['auth.token_file: token can be read by everyone on this machine']);
    expect(
      `${JSON.stringify(config)} ${inspect(config, { depth: 9, showHidden: true })} ${String(config.auth.token)}`,
    ).not.toContain('hunter2');
    writeFileSync(path.join(directory, 'big'), 'x'.repeat(70_000));
    expect(() => load('auth: { token_file: big }')).toThrow('larger than 64 KiB');
    expect(() => load('auth: { token_file: 3 }')).toThrow('expected the path of a file');
    expect(() => load('auth: { token: { a: hunter2 } }')).toThrow(/^(?!.*hunter2)[^]*$/);
  });

  it('accepts alternative names of keys and reports their place', () => {
    const aliases = [
      { from: ['database', 'seconds'], to: ['balancer', 'timeout'], convert: (value: unknown) => `${String(value)}s` },
      { from: ['database'], to: ['cache', 'name'], convert: () => 'from-alias' },
    ];
    expect(load('database: { seconds: 30 }', { aliases })).toMatchObject({
      balancer: { timeout: 30_000 },
      cache: { name: 'from-alias' },
    });
    expect(() => load('database: { seconds: often }', { aliases })).toThrow(
      /v\.yaml:1:22 database\.seconds: expected a duration/,
    );
    expect(() => load('database: { seconds: 1 }\nbalancer: { timeout: 1s }', { aliases })).toThrow('mean the same');
  });
});

describe('readConfigFile', () => {
  it('says why a file cannot be read', () => {
    expect(() => readConfigFile(path.join(directory, 'none'))).toThrow(/none cannot be read \(ENOENT\)/);
    expect(() => readConfigFile(directory)).toThrow(/EISDIR/);
    writeFileSync(path.join(directory, 'huge'), Buffer.alloc(11 * 1_024 * 1_024, 32));
    expect(() => readConfigFile(path.join(directory, 'huge'))).toThrow(/larger than 10 MiB/);
  });
});

describe('types', () => {
  it('parse addresses', () => {
    expect(parseAddress('[fe80::1%eth0]:80')).toEqual({ host: 'fe80::1%eth0', port: 80 });
    for (const bad of ['', ':80', 'a:', 'a:1:2', 'a:65536', 'a b:1', 'http://a:1'])
      expect(parseAddress(bad)).toBeUndefined();
  });

  it('keep a secret', () =>
    expect([String(new Secret('s')), JSON.stringify([new Secret('s')])]).toEqual(['<secret>', '["<secret>"]']));

  it('describe themselves in a JSON schema', () => {
    const schema = JSON.stringify(z.toJSONSchema(exampleSchema, { io: 'input' }));
    expect(schema).toContain('a duration like');
  });

  it('find the most similar word', () => {
    expect(nearest('listn', ['policy', 'listen'])).toBe('listen');
    expect(nearest('lsiten', ['listen'])).toBe('listen');
    expect(nearest('x', ['listen'])).toBeUndefined();
    expect(nearest('a'.repeat(10_000), ['listen'])).toBeUndefined();
  });
});
