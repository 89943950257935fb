/** One Vitrine a data directory, on free addresses, decided before anything is changed. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, wait, type Clock } from '../../../src/base/clock.ts';
import { claim } from '../../../src/app/process/claim.ts';
import { writeRunFile } from '../../../src/app/process/run-file.ts';

/** Its timers keep the process: a command has one of its own for that. */
const clock: Clock = {
  ...systemClock,
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'vitrine-claim-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a claim', () => {
  it('is held by one, who is named to the next, and free after its release', async () => {
    const first = await claim(dir, [], clock);
    writeRunFile(dir, { pid: process.pid, monitor: 'http://127.0.0.1:4000', services: [] });
    await expect(claim(dir, [], clock)).rejects.toMatchObject({
      code: 'data_dir_in_use',
      exitCode: 4,
      message: `A Vitrine runs at http://127.0.0.1:4000 (pid ${process.pid}) and uses the data directory ${dir}.`,
      hint: expect.stringContaining('Open http://127.0.0.1:4000'),
    });
    first.release();
    (await claim(dir, [], clock)).release();
  });

  it('waits for an address that is just becoming free, and names a Vitrine that holds one', async () => {
    const server = createServer((_request, response) => response.end('{"components":{"monitor":{}}}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wanted = [{ name: 'monitor.listen', at: { host: '127.0.0.1', port } }];
    const refused = {
      code: 'port_taken',
      message: `monitor.listen: 127.0.0.1:${port} is in use by a Vitrine that runs already.`,
    };
    // Nothing is left of a refused start in a new directory.
    await expect(claim(path.join(dir, 'some', 'where'), wanted, clock)).rejects.toMatchObject(refused);
    expect(readdirSync(dir)).toEqual([]);
    // A directory that had an owner before is taken first, and given back.
    (await claim(dir, [], clock)).release();
    await expect(claim(dir, wanted, clock)).rejects.toMatchObject(refused);
    // The refused claim gave the directory back.
    const later = claim(dir, wanted, clock);
    await wait(clock, 1);
    server.closeAllConnections();
    server.close();
    (await later).release();
  });
});
