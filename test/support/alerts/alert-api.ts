/** The API of alerts over real HTTP, on the pipeline of a rig. */
import { AlertCare } from '../../../src/monitor/api/alerts/care.ts';
import { alertCareRoutes } from '../../../src/monitor/api/alerts/care-routes.ts';
import { alertmanagerRoutes } from '../../../src/monitor/api/alerts/v2-routes.ts';
import { startPageServer, type PageServer } from '../page/page-server.ts';
import type { Rig } from './pipeline-rig.ts';

export interface AlertApi extends PageServer {
  get(path: string): Promise<{ status: number; body: unknown }>;
  send(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

export async function startAlertApi(rig: Rig): Promise<AlertApi> {
  const care = new AlertCare({ pipeline: rig.pipeline, ledger: rig.ledger, clock: rig.clock, version: '0.1.0' });
  const routes = [...alertmanagerRoutes(care), ...alertCareRoutes(care)];
  const server = await startPageServer({ kind: 'empty', overrides: { routes } });
  const call = async (path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${server.url}${path}`, init);
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? '' : (JSON.parse(text) as unknown) };
  };
  return {
    ...server,
    get: (path) => call(path),
    send: (method, path, body) =>
      call(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
  };
}
