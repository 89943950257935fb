/**
 * `vitrine balancer` and `vitrine cache`: operate the running balancer and cache, through the API on port 4000 or the
 * control socket of a balancer alone.
 */
import { request } from 'node:http';
import { VitrineError } from '../../base/errors.ts';
import type { CareChange } from '../../model/care.ts';
import type { BalancerAnswer } from '../../monitor/api/care-contract.ts';
import { ask, send, type ClientOptions } from '../client.ts';
import { print, tell, visibleLine } from '../output.ts';

export interface CareTarget extends ClientOptions {
  /** Path of the control socket, instead of the URL. */
  readonly socket: string | undefined;
  readonly json: boolean;
}

/** Makes one call; with a body the method is POST. */
function call(target: CareTarget, path: string, body?: unknown): Promise<unknown> {
  if (target.socket === undefined) return body === undefined ? ask(target, path) : send(target, path, body);
  const { socket } = target;
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path, method: body === undefined ? 'GET' : 'POST' }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => {
        const answer = JSON.parse(text) as { detail?: string; hint?: string };
        if ((response.statusCode ?? 500) < 400) resolve(answer);
        else
          reject(
            new VitrineError(
              'query_failed',
              answer.detail ?? 'The balancer refused.',
              answer.hint === undefined ? {} : { hint: answer.hint },
            ),
          );
      });
    });
    asked.on('error', (cause) =>
      reject(new VitrineError('unreachable', `Nothing answers at ${socket}: ${cause.message}.`, { cause })),
    );
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const segment = (name: string): string => name.replace(/[^\w.~-]+/g, '-');

function report(answer: unknown, { json }: CareTarget): void {
  if (json) {
    print(JSON.stringify(answer));
    return;
  }
  const { change, purged } = answer as { change: CareChange; purged?: number };
  if (purged !== undefined) print(`${purged} purged`);
  else print(visibleLine(`${change.action} ${change.target}: ${String(change.before)} -> ${String(change.after)}`));
  if (change.undo !== null)
    tell(visibleLine(`Taken back by: POST ${change.undo.path} ${JSON.stringify(change.undo.body)}`));
}

/** Routes, upstreams and the last changes. */
export async function balancerStatus(target: CareTarget): Promise<void> {
  const overview = (await call(target, '/api/balancer')) as BalancerAnswer;
  if (target.json) {
    print(JSON.stringify(overview));
    return;
  }
  for (const { name, maintenance, upstreams } of overview.routes) {
    print(visibleLine(`${name}${maintenance ? '  (maintenance)' : ''}`));
    for (const one of upstreams) {
      const state = one.drained ? 'drained' : one.available ? 'up' : 'out';
      print(
        visibleLine(
          `  ${one.name.padEnd(24)} ${state.padEnd(8)} weight ${one.weight}  at work ${one.inflight}${one.backup ? '  backup' : ''}`,
        ),
      );
    }
  }
  for (const { atMs, who, action, target: what, before, after } of overview.changes.slice(0, 10)) {
    const when = new Date(atMs).toISOString();
    print(visibleLine(`${when}  ${action} ${what}: ${String(before)} -> ${String(after)}, by ${who}`));
  }
}

export async function changeUpstream(
  target: CareTarget,
  upstream: string,
  action: 'drain' | 'undrain' | 'weight',
  weight?: number,
): Promise<void> {
  const path = `/api/balancer/upstreams/${segment(upstream)}/${action}`;
  report(await call(target, path, weight === undefined ? {} : { weight }), target);
}

export async function switchMaintenance(target: CareTarget, route: string, enabled: boolean): Promise<void> {
  report(await call(target, `/api/balancer/routes/${segment(route)}/maintenance`, { enabled }), target);
}

export async function cacheStats(target: CareTarget): Promise<void> {
  print(JSON.stringify(await call(target, '/api/cache'), undefined, target.json ? undefined : 2));
}

export async function purgeCache(
  target: CareTarget,
  what: { readonly url?: string; readonly prefix?: string; readonly tag?: string },
): Promise<void> {
  report(await call(target, '/api/cache/purge', what), target);
}
