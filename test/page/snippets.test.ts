import { describe, expect, it } from 'vitest';
import { addressFrom, obstacle, snippetsFor } from '../../src/page/overview/snippets.ts';

describe('the lines that connect a service', () => {
  it.each([
    ['127.0.0.1:4318', 'here', 'localhost', '127.0.0.1:4318'],
    ['0.0.0.0:4318', 'here', '10.0.0.7', '127.0.0.1:4318'],
    ['10.0.0.7:4318', 'here', '10.0.0.7', '10.0.0.7:4318'],
    ['127.0.0.1:4318', 'container', 'localhost', 'host.docker.internal:4318'],
    ['0.0.0.0:4318', 'elsewhere', 'vitrine.test', 'vitrine.test:4318'],
    ['0.0.0.0:4318', 'elsewhere', '127.0.0.1', 'YOUR_HOST:4318'],
    ['[::1]:4318', 'here', '[::1]', '127.0.0.1:4318'],
  ] as const)('%s %s from %s is %s', (address, where, page, seen) => {
    expect(addressFrom(address, where, page)).toBe(seen);
  });

  it('say when the port is not open for them', () => {
    expect(obstacle('127.0.0.1:4318', 'here')).toBe('');
    expect(obstacle('127.0.0.1:4318', 'container')).toContain('listens on this machine only');
    expect(obstacle('0.0.0.0:4318', 'elsewhere')).toBe('');
    expect(obstacle('10.0.0.7:4318', 'elsewhere')).toBe('');
  });

  const target = { otlpHttp: '127.0.0.1:4318', otlpGrpc: '127.0.0.1:4317', needsToken: false };
  const textOf = (needsToken: boolean): readonly string[] =>
    snippetsFor({ ...target, needsToken }).map(({ lines }) => lines.join('\n'));

  it('have the address in every language', () => {
    expect(snippetsFor(target).map(({ title }) => title)).toEqual([
      'Node',
      'Python',
      'Go',
      'Java',
      'curl',
      'Collector',
    ]);
    for (const text of textOf(false)) expect(text).toMatch(/127\.0\.0\.1:431[78]/);
    for (const text of textOf(false)) expect(text).not.toContain('VITRINE_TOKEN');
  });

  it('name the variable of the token, never a token', () => {
    for (const text of textOf(true)) expect(text).toMatch(/\$VITRINE_TOKEN|\$\{env:VITRINE_TOKEN\}/);
  });
});
