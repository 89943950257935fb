/** nginx and HAProxy as Debian brings them, in front of the same upstream as the balancer, for tests that compare all three. */
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freshDir, programPath } from '../program.ts';
import { freePort } from '../programs/vitrine-process.ts';
import { accepts } from './raw-http.ts';
import { until } from '../until.ts';

export interface ProxyPeer extends AsyncDisposable {
  readonly name: 'nginx' | 'haproxy';
  readonly port: number;
  readonly pid: number;
}

async function started(
  name: ProxyPeer['name'],
  port: number,
  dir: string,
  file: string,
  args: readonly string[],
): Promise<ProxyPeer> {
  const child: ChildProcess = spawn(file, args, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(hard);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await until(() => accepts(port));
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, port, pid: child.pid ?? 0, [Symbol.asyncDispose]: stop };
}

/** One worker, HTTP/1.1 to `upstreams`, otherwise its defaults. `location`: more lines of the location. */
export async function startNginx(upstreams: readonly number[], location = ''): Promise<ProxyPeer | undefined> {
  const file = programPath('nginx');
  if (file === undefined) return undefined;
  const [dir, port] = [freshDir('nginx'), await freePort()];
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${dir}/${one};`,
  );
  const servers = upstreams.map((one) => `server 127.0.0.1:${one};`).join(' ');
  writeFileSync(
    path.join(dir, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root; ' : ''}worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/error.log crit;
events { worker_connections 4096; }
http { access_log off; ${temporary.join(' ')} upstream u { ${servers} keepalive 64; }
server { listen 127.0.0.1:${port}; client_max_body_size 0;
location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; ${location} } } }
`,
  );
  return started('nginx', port, dir, file, ['-p', dir, '-c', path.join(dir, 'nginx.conf')]);
}

/** One thread, `abortonclose`, the time-outs that its manual recommends. `backend`: more lines of the backend. */
export async function startHaproxy(upstreams: readonly number[], backend = ''): Promise<ProxyPeer | undefined> {
  const file = programPath('haproxy');
  if (file === undefined) return undefined;
  const [dir, port] = [freshDir('haproxy'), await freePort()];
  const servers = upstreams.map((one, at) => ` server s${at} 127.0.0.1:${one}`).join('\n');
  writeFileSync(
    path.join(dir, 'haproxy.cfg'),
    `global\n nbthread 1\n maxconn 4000\ndefaults\n mode http\n option abortonclose\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n timeout tunnel 1h\nfrontend f\n bind 127.0.0.1:${port}\n default_backend b\nbackend b\n${backend}\n${servers}\n`,
  );
  return started('haproxy', port, dir, file, ['-db', '-f', path.join(dir, 'haproxy.cfg')]);
}
