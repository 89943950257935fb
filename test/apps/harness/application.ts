/** An application as its user starts it, and the requests that are compared. */

import type { PackageSet } from './packages.ts';

/** How a client reaches the application itself. */
export type Speech = 'http' | 'https' | 'h2c' | 'unix';

export interface Place {
  /** The application's own folder, the same in every mode. */
  readonly dir: string;
  /** PORT, the same in every mode. */
  readonly port: number;
  /** `node_modules` of its packages; empty when it needs none. */
  readonly packages: string;
}

export interface Probe {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string;
}

/** A running application in one mode. */
export interface Running extends Place {
  /** Where a client of this mode sends requests. */
  readonly url: string;
  readonly output: () => string;
}

export interface Application {
  /** As in the table of docs/applications.md. */
  readonly name: string;
  /** Files of the folder, written anew for each mode. */
  readonly files?: Readonly<Record<string, string>>;
  readonly command: (at: Place) => readonly string[];
  readonly env?: (at: Place) => Readonly<Record<string, string>>;
  /** Flags of `vitrine run`. */
  readonly flags?: (at: Place) => readonly string[];
  /** Default: http on PORT. */
  readonly speech?: Speech;
  /** Port or socket of the application itself, when it is not PORT. */
  readonly own?: (at: Place) => number | string;
  /** Path that answers below 500 when it is up. Without one, `printed` is waited for. */
  readonly ready?: string;
  /** A line that it prints when it is up. */
  readonly printed?: RegExp;
  readonly probes?: readonly Probe[];
  /** More that must have the same result in every mode. */
  readonly steps?: (running: Running) => Promise<unknown>;
  /** How it ends: by a signal, by itself, or by itself after a request to this path. */
  readonly end?: NodeJS.Signals | 'itself' | `/${string}`;
  /** The packages below test/apps/packages that it needs. */
  readonly packages?: PackageSet;
  /** Milliseconds until it is up. */
  readonly startLimitMs?: number;
}

/** Probes of one application. */
const PROBES = 50;

/** The application's own probes in turn, with variations that each server must answer somehow, fifty in all. */
export function probesOf({ probes = [{ path: '/' }] }: Application): Probe[] {
  const variations: ((probe: Probe, round: number) => Probe)[] = [
    (probe) => probe,
    (probe) => (probe.body === undefined ? { ...probe, method: 'HEAD' } : probe),
    (probe, round) => ({ ...probe, path: `${probe.path}${probe.path.includes('?') ? '&' : '?'}probe=${round}` }),
    (probe) => ({ ...probe, headers: { ...probe.headers, 'accept-encoding': 'gzip', 'x-probe': '1' } }),
    (probe, round) => ({ path: `/no-such-path-${round}${probe.path}` }),
    ({ path, headers }) => ({ path, headers, method: 'OPTIONS' }),
    (probe, round) => ({
      path: probe.path,
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'x'.repeat(round),
    }),
  ];
  const all: Probe[] = [];
  for (let round = 0; all.length < PROBES; round += 1) {
    const vary = variations[Math.floor(round / probes.length) % variations.length];
    all.push(vary(probes[round % probes.length], round));
  }
  return all;
}
