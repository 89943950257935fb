import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../../src/monitor/outbound/connect.ts';
import { OutboundGuard } from '../../../src/monitor/outbound/guard.ts';

describe('connect', () => {
  let server: net.Server | undefined;
  afterEach(() => server?.close());

  async function listening(): Promise<number> {
    server = net.createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  const guard = new OutboundGuard({
    resolve: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  const signal = new AbortController().signal;

  it('connects to what the file names, and only then', async () => {
    const port = await listening();
    const socket = await connect(guard, { host: 'mail.example', port, origin: 'file', signal });
    expect(socket.remotePort).toBe(port);
    socket.destroy();
    for (const host of ['mail.example', '127.0.0.1']) {
      await expect(connect(guard, { host, port, origin: 'api', signal })).rejects.toMatchObject({
        code: 'outbound_denied',
      });
    }
  });

  it('fails when nothing listens or the signal aborts', async () => {
    const port = await listening();
    await expect(
      connect(guard, { host: '127.0.0.1', port, origin: 'file', signal: AbortSignal.abort() }),
    ).rejects.toThrow('aborted');
    await new Promise((resolve) => server?.close(resolve));
    await expect(connect(guard, { host: '127.0.0.1', port, origin: 'file', signal })).rejects.toThrow('ECONNREFUSED');
  });
});
