/** Parts of the benchmarks that compare the balancer with other proxies: pinned processes, their CPU time, wrk, nginx. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Keeps a program on one CPU. */
const PIN = 'taskset';

/** The first line that a program prints; empty when there is no such program. */
export function versionOf(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0];
  } catch {
    return '';
  }
}

export const nginxVersion = (): string => versionOf('sh', ['-c', 'nginx -v 2>&1']);

/** What wrk counted. */
export interface Counted {
  readonly requests: number;
  readonly perSecond: number;
}

export class Race {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'bench-'));
  readonly #processes: ChildProcess[] = [];

  /** Writes the configuration of an nginx with one worker. Returns its file. */
  nginxConfig(file: string, http: string): string {
    const at = path.join(this.directory, file);
    writeFileSync(
      at,
      `worker_processes 1;\ndaemon off;\npid ${at}.pid;\nerror_log ${at}.log crit;\nevents { worker_connections 4096; }\nhttp {\naccess_log off;\nkeepalive_requests 1000000000;\nclient_body_temp_path ${at}.body;\nproxy_temp_path ${at}.proxy;\nfastcgi_temp_path ${at}.f;\nuwsgi_temp_path ${at}.u;\nscgi_temp_path ${at}.s;\n${http}\n}\n`,
    );
    return at;
  }

  start(cpu: number, command: readonly string[]): ChildProcess {
    // Caddy keeps files of its own there.
    const env = { ...process.env, XDG_CONFIG_HOME: this.directory, XDG_DATA_HOME: this.directory };
    const child = spawn(PIN, ['-c', String(cpu), ...command], { stdio: ['ignore', 'ignore', 'inherit'], env });
    this.#processes.push(child);
    return child;
  }

  /** An nginx on CPU 1 that answers every request with 1 KB of JSON. */
  startUpstream(port: number): void {
    const body = JSON.stringify({ id: 42, name: 'x'.repeat(980) });
    const http = `server { listen 127.0.0.1:${port} backlog=4096; location / { default_type application/json; return 200 '${body}'; } }`;
    this.start(1, ['nginx', '-c', this.nginxConfig('upstream.conf', http)]);
  }

  end(): void {
    for (const child of this.#processes) child.kill('SIGTERM');
  }
}

/** What nginx needs to forward as the balancer does. */
export function nginxProxy(listen: string, upstreamPort: number, more = ''): string {
  return `upstream u { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }\nserver { listen ${listen} backlog=4096; ${more} location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id; } }`;
}

/** CPU microseconds that a process and its children have used. */
export function cpuUs(pid: number): number {
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(entry) === pid || Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // The process has just ended.
    }
  }
  return (ticks * 1e6) / TICKS_A_SECOND;
}
const TICKS_A_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** wrk on CPU 1 with 64 connections. Throws when an answer is not 2xx. */
export async function wrk(url: string, seconds: number, fields: readonly string[] = []): Promise<Counted> {
  const headers = fields.flatMap((field) => ['-H', field]);
  const child = spawn(PIN, ['-c', '1', 'wrk', '-t1', '-c64', `-d${seconds}s`, ...headers, url]);
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1];
  if (bad !== undefined) throw new Error(`${url}: ${bad} answers were not 2xx`);
  return {
    requests: Number(/(\d+) requests in/.exec(out)?.[1] ?? 0),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1] ?? 0),
  };
}
