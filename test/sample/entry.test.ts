import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-entry-'));
const ENTRY = path.resolve(import.meta.dirname, '../../src/sample/entry.ts');
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

function start(...flags: string[]): { child: ChildProcess; output: () => string } {
  let text = '';
  const child = fork(ENTRY, ['--port', '0', '--data', dir, '--drain-notice', '100', ...flags], {
    silent: true,
    serialization: 'advanced',
  });
  children.push(child);
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}
const ready = async (child: ChildProcess): Promise<number> => {
  const [message] = (await once(child, 'message')) as [{ kind: string; port: number }];
  expect(message.kind).toBe('ready');
  return message.port;
};

describe('the process of a payments service', () => {
  it('says when it is ready, logs JSON, and drains on SIGTERM', async () => {
    const { child, output } = start();
    const port = await ready(child);
    expect((await fetch(`http://127.0.0.1:${port}/api/accounts`)).status).toBe(200);
    child.kill('SIGTERM');
    await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 503);
    expect(await once(child, 'exit')).toEqual([0, null]);
    const lines = output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ msg }) => msg)).toContain('payments service ends');
    expect(lines[0]).toMatchObject({ level: 'info', service: 'payments' });
  });

  it('writes all its lines to files, and to the console what needs somebody', async () => {
    const logs = path.join(dir, 'logs');
    const { child, output } = start('--logs', logs, '--name', 'payments-7', '--console-level', 'warn');
    const port = await ready(child);
    const send = (password: string) =>
      fetch(`http://127.0.0.1:${port}/api/sessions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ user: 'user-001', password }),
      });
    expect((await send('wrong')).status).toBe(401);
    expect((await send('demo-password')).status).toBe(201);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const told = (text: string) => text.split('\n').flatMap((line) => (line === '' ? [] : [line]));
    const messages = told(readFileSync(path.join(logs, 'payments-7.ndjson'), 'utf8')).map(
      (line) => (JSON.parse(line) as { msg: string }).msg,
    );
    expect(messages).toEqual(['payments service ready', 'request refused', 'request done', 'payments service ends']);
    expect(told(output()).map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['request refused']);
    expect(existsSync(path.join(logs, 'payments-7-error.ndjson'))).toBe(true);
  });

  it('ends at once on a second signal', async () => {
    const { child, output } = start('--drain-notice', '60000');
    await ready(child);
    child.kill('SIGTERM');
    await until(() => output().includes('payments service ends'));
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([130, null]);
  });

  it('ends without notice when its parent says that nobody sends requests any more', async () => {
    const { child, output } = start('--drain-notice', '3600000');
    await ready(child);
    child.send({ kind: 'end' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output()).toContain('the stack ends');
  });

  it('ends with its parent', async () => {
    const { child } = start();
    await ready(child);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says why it cannot start, with the exit code of the reason', async () => {
    const { child, output } = start('--host', '192.0.2.1');
    expect(await once(child, 'exit')).toEqual([4, null]);
    expect(output()).toContain('"code":"bind_failed"');
  });
});
