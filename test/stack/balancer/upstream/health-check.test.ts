/** Which connections the active checks use, and when they are made. Real sockets, a moved clock. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkHealth } from '../../../../src/stack/balancer/upstream/health-check.ts';
import { Upstream } from '../../../../src/stack/balancer/upstream/upstream.ts';
import { movedClock, type MovedClock } from '../../../support/moved-clock.ts';
import { until } from '../../../support/until.ts';
import { Rig } from '../rig.ts';

const SECOND = 1_000;
const EJECTION = { failures: 3, base: 5_000, max: 300_000, max_ratio: 0.5, slow_start: 0 };

/** An upstream of bare sockets that answers `reply`, and the checks of it. */
class Checked {
  reply = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  endsAfterAnswer = false;
  readonly clock: MovedClock = movedClock(0);
  readonly heads: string[] = [];
  readonly sockets: Socket[] = [];
  results = 0;
  upstream!: Upstream;

  async start(rig: Rig, interval = SECOND): Promise<this> {
    const { port } = await rig.tcp((socket) => {
      this.sockets.push(socket);
      socket.on('data', (bytes) => {
        this.heads.push(bytes.toString('latin1'));
        socket.write(this.reply);
        if (this.endsAfterAnswer) socket.end();
      });
    });
    const events = { ejected: () => {}, returned: () => {} };
    this.upstream = new Upstream({ host: '127.0.0.1', port }, EJECTION, this.clock, events);
    const { upstream } = this;
    upstream.checked = (up) => {
      Upstream.prototype.checked.call(upstream, up);
      this.results += 1;
    };
    rig.add(checkHealth([upstream], { path: '/readyz', interval, up: 1, down: 1 }, this.clock));
    await this.answered(1);
    return this;
  }

  /** Waits until so many checks have ended. */
  async answered(times: number): Promise<void> {
    await until(() => this.results === times);
  }

  async round(): Promise<void> {
    const before = this.results;
    await this.clock.advance(SECOND);
    await this.answered(before + 1);
  }
}

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

describe('the connection of the checks', () => {
  it('is kept while answers are good, and replaced after ten seconds', async () => {
    const one = await new Checked().start(rig);
    for (let at = 0; at < 9; at += 1) await one.round();
    expect(one.sockets).toHaveLength(1);
    await one.round();
    expect(one.sockets).toHaveLength(2);
    await until(() => one.sockets[0].destroyed);
    expect(one.heads).toHaveLength(11);
    expect(one.heads[0]).not.toMatch(/connection:/i);
  });

  it('is a new one after an answer that is not good', async () => {
    const one = await new Checked().start(rig);
    await one.round();
    one.reply = 'HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno';
    await one.round();
    expect(one.sockets).toHaveLength(1);
    expect(one.upstream.available).toBe(false);
    await one.round();
    one.reply = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    await one.round();
    expect(one.sockets).toHaveLength(3);
    expect(one.upstream.available).toBe(true);
  });

  it('is not kept by an upstream that closes it, and then nothing is announced by its end', async () => {
    const one = await new Checked().start(rig);
    one.endsAfterAnswer = true;
    for (let at = 0; at < 3; at += 1) await one.round();
    expect(one.heads).toHaveLength(4);
    expect(one.upstream.available).toBe(true);
  });

  it('is closed when an answer is too long to read', async () => {
    const one = new Checked();
    one.reply = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n${'x'.repeat(0x8000)}\r\n`;
    await one.start(rig);
    await until(() => one.sockets[0].destroyed);
    await one.round();
    expect(one.sockets).toHaveLength(2);
    expect(one.upstream.available).toBe(true);
  });

  it('is made again when the upstream closes it while a check is on its way', async () => {
    const one = await new Checked().start(rig);
    await one.round();
    one.sockets[0].removeAllListeners('data');
    one.sockets[0].on('data', () => one.sockets[0].resetAndDestroy());
    await one.round();
    expect(one.sockets).toHaveLength(2);
    expect(one.upstream.available).toBe(true);
  });

  it('is checked at once when it ends after several checks', async () => {
    const one = await new Checked().start(rig);
    await one.round();
    await one.round();
    one.sockets[0].end();
    await until(() => one.clock.dueIn() <= 100);
    one.reply = 'HTTP/1.1 503 Ends\r\nContent-Length: 0\r\n\r\n';
    await one.clock.advance(100);
    await one.answered(4);
    expect(one.upstream.available).toBe(false);
  });
});
