import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { nameResolver } from '../../../../src/monitor/targets/net/names.ts';

const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((stop) => stop()));

/** A name server that knows `www.example.test` and notes what it was asked; silent for `silent.test`. */
async function nameServer(): Promise<{ at: string; asked: string[] }> {
  const asked: string[] = [];
  const socket = dgram.createSocket('udp4');
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    while (query[at] !== 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
      at += query[at] + 1;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    asked.push(name);
    if (name.endsWith('silent.test')) return;
    const head = Buffer.from(query.subarray(0, 12));
    const known = name === 'www.example.test' && type === 1;
    head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(known ? 1 : 0, 6);
    head.writeUInt16BE(0, 10);
    const answer = known ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]) : Buffer.alloc(0);
    socket.send(Buffer.concat([head, query.subarray(12, at + 5), answer]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  cleanups.push(() => socket.close());
  return { at: `127.0.0.1:${socket.address().port}`, asked };
}

function files(hosts: string, resolv: string): { hostsFile: string; resolvFile: string } {
  const dir = mkdtempSync(path.join(tmpdir(), 'names-'));
  cleanups.push(() => rmSync(dir, { recursive: true }));
  writeFileSync(path.join(dir, 'hosts'), hosts);
  writeFileSync(path.join(dir, 'resolv'), resolv);
  return { hostsFile: path.join(dir, 'hosts'), resolvFile: path.join(dir, 'resolv') };
}

const never = new AbortController().signal;

test('the hosts file, localhost, the name server, and the search list', async () => {
  const server = await nameServer();
  const at = files('192.0.2.9 db.local # comment\n::2 db.local\n', 'search none.test example.test\noptions ndots:2\n');
  const names = nameResolver({ servers: [server.at], ...at });
  expect(await names.resolve('db.local', 4, never)).toEqual(['192.0.2.9']);
  expect(await names.resolve('DB.local', 6, never)).toEqual(['::2']);
  expect(await names.resolve('localhost', 4, never)).toEqual(['127.0.0.1']);
  expect(await names.resolve('a.localhost', 6, never)).toEqual(['::1']);
  expect(server.asked).toEqual([]);
  expect(await names.resolve('www.example.test', 4, never)).toEqual(['192.0.2.1']);
  expect(await names.resolve('www', 4, never)).toEqual(['192.0.2.1']);
  expect(await names.resolve('www.example.test.', 4, never)).toEqual(['192.0.2.1']);
  await expect(names.resolve('unknown.example.test', 4, never)).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('a silent server holds only the check that asked it', async () => {
  const server = await nameServer();
  const names = nameResolver({ servers: [server.at], ...files('', '') });
  const limit = new AbortController();
  const waiting = Promise.allSettled(
    Array.from({ length: 100 }, (_, at) => names.resolve(`x${at}.silent.test`, 4, limit.signal)),
  );
  expect(await names.resolve('www.example.test', 4, never)).toEqual(['192.0.2.1']);
  limit.abort(new Error('time-out'));
  expect((await waiting).every(({ status }) => status === 'rejected')).toBe(true);
});
