/** `vitrine drill KIND`: causes a fault in the sample stack for a limited time. The fault ends even if this command is killed. */
import { readRunFile } from '../app/process/run-file.ts';
import { VitrineError } from '../base/errors.ts';
import { formatDurationMs } from '../base/units.ts';
import { tryMark } from './annotate.ts';
import { print, tell } from './output.ts';

export const DRILLS = ['latency', 'errors', 'kill', 'cache-outage', 'slow-database', 'block-loop'] as const;
export type Drill = (typeof DRILLS)[number];

const MAX_DRILL_MS = 600_000;

/** `token` is that of the page, where the drill leaves a mark on the charts. */
export async function drill(kind: Drill, forMs: number, dataDir: string, json: boolean, token?: string): Promise<void> {
  if (forMs <= 0 || forMs > MAX_DRILL_MS) throw new VitrineError('usage', '--for must be between 1ms and 10m.');
  const run = readRunFile(dataDir);
  if (run.services.length === 0 || run.drillToken === undefined) {
    throw new VitrineError('check_failed', 'Drills need the sample services, and none is running.', {
      hint: 'Start Vitrine without balancer.upstreams: it then starts the sample services.',
    });
  }
  const hit: string[] = [];
  if (kind === 'kill') {
    const [victim] = run.services;
    process.kill(victim.pid, 'SIGKILL');
    hit.push(victim.name);
  } else {
    for (const service of run.services) {
      await inject(service.url, run.drillToken, kind, forMs);
      hit.push(service.name);
    }
  }
  if (run.monitor !== undefined) {
    const nowMs = Date.now();
    await tryMark(
      { url: run.monitor, token },
      {
        text: `Drill: ${kind} in ${hit.join(' and ')}`,
        tags: ['drill', kind],
        timeMs: nowMs,
        endMs: kind === 'kill' ? undefined : nowMs + forMs,
      },
    );
  }
  if (json) print(JSON.stringify({ drill: kind, services: hit, for_ms: kind === 'kill' ? null : forMs }));
  else
    tell(
      kind === 'kill'
        ? `Killed ${hit[0]}; it restarts automatically.`
        : `${kind} in ${hit.join(' and ')} for ${forMs / 1000} s; it ends by itself.`,
    );
}

async function inject(url: string, token: string, kind: Drill, forMs: number): Promise<void> {
  let response: Response;
  try {
    response = await fetch(new URL('/internal/drill', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ kind, for: formatDurationMs(forMs) }),
      signal: AbortSignal.timeout(5_000),
    });
  } catch (cause) {
    throw new VitrineError('unreachable', `The sample service at ${url} does not answer.`, { cause });
  }
  if (!response.ok)
    throw new VitrineError('check_failed', `The sample service at ${url} refused the drill: ${await response.text()}`);
}
