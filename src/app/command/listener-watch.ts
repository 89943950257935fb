/**
 * Chooses where the requests for a command go. Observed processes report their servers (`listener-reports.ts`); ports of
 * other processes are read from /proc and probed. A command may open no port, one port late, several ports, or another port
 * after a restart.
 *
 * Order of choice: the port that the user named; the PORT that the command was given; the first one that speaks HTTP, as
 * long as it is open.
 */
import { existsSync, readFileSync, watch, type FSWatcher } from 'node:fs';
import type { ListenerKind, ListenerReport } from '../../telemetry/listener-reports.ts';
import { reportFile } from '../../telemetry/listener-reports.ts';
import { isAlive } from '../../telemetry/process-identity.ts';
import type { Place } from './bridge.ts';
import { listeningPorts, startsNodeWith } from './listening-ports.ts';
import { accepts, probe } from './probe.ts';

export interface Listener {
  readonly kind: ListenerKind;
  readonly place: Place;
}

export interface ListenerWatchOptions {
  readonly runDir: string;
  /** The process of the command; its descendants are watched too. */
  readonly pid: () => number;
  /** The option of Node.js that makes a process report. */
  readonly preload: string;
  /** The PORT that the command was given. */
  readonly preferred: number;
  /** The port that the user named: no other port is chosen. */
  readonly only: number | undefined;
  readonly onChosen: (listener: Listener) => Promise<void>;
  /** Called once for each port that speaks HTTP and is not chosen. */
  readonly onOther: (port: number) => void;
}

/** The time between two reads of /proc: short at first, then growing until a port is found. */
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 5_000;
const GROWTH = 1.3;

const keyOf = (place: Place): string => ('path' in place ? place.path : String(place.port));
const portOf = (place: Place): number | undefined => ('path' in place ? undefined : place.port);

export class ListenerWatch {
  readonly #options: ListenerWatchOptions;
  readonly #file: string;
  /** Listeners by port or path, in the order of appearance. */
  readonly #found = new Map<string, Listener & { readonly pid: number }>();
  /** Processes that report for themselves. */
  readonly #observed = new Set<number>();
  readonly #told = new Set<string>();
  #readTo = 0;
  #chosen: string | undefined;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #everyMs = FIRST_LOOK_MS;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(options: ListenerWatchOptions) {
    this.#options = options;
    this.#file = reportFile(options.runDir);
    this.#watcher = watch(options.runDir, () => void this.look());
    this.#watcher.on('error', () => {});
    this.#plan();
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#everyMs = Math.min(this.#everyMs * GROWTH, LONGEST_LOOK_MS);
      void this.look().finally(() => {
        if (!this.#closed) this.#plan();
      });
    }, this.#everyMs);
    this.#timer.unref();
  }

  /** Reads the new reports and ports and chooses again. It never runs twice at once. */
  async look(): Promise<void> {
    if (this.#closed) return;
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        this.#readReports();
        await this.#readPorts();
        await this.#choose();
      }
    } finally {
      this.#looking = false;
    }
  }

  #readReports(): void {
    const text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : '';
    const end = text.lastIndexOf('\n') + 1;
    const lines = text.slice(this.#readTo, end).split('\n').filter(Boolean);
    this.#readTo = end;
    for (const line of lines) {
      const { pid, kind, host, port, path } = JSON.parse(line) as Partial<ListenerReport> & { pid: number };
      this.#observed.add(pid);
      if (kind === undefined) continue;
      const place = path === undefined ? { host: host ?? '127.0.0.1', port: port ?? 0 } : { path };
      const key = keyOf(place);
      const before = this.#found.get(key);
      // The primary of a cluster holds the socket and reports `tcp`; its workers know the kind of server.
      if (kind !== 'tcp' || before === undefined) this.#found.set(key, { kind, place, pid });
    }
  }

  /** Ports of processes without the preload, and of servers that are built on plain TCP. */
  async #readPorts(): Promise<void> {
    const pid = this.#options.pid();
    const open = pid === 0 ? [] : listeningPorts(pid);
    for (const [key, { place, pid: owner }] of this.#found) {
      const port = portOf(place);
      const isOpen = port === undefined ? isAlive(owner) : open.length === 0 || open.some((each) => each.port === port);
      if (!isOpen) this.#forget(key);
    }
    const unknown = open.filter(({ port, pids }) => {
      const known = this.#found.get(String(port));
      if (known !== undefined) return known.kind === 'tcp' && !this.#told.has(`probed ${port}`);
      // A process that is still starting has opened its inspector before it can report.
      return !pids.some((each) => this.#observed.has(each) || startsNodeWith(each, this.#options.preload));
    });
    for (const { host, port } of unknown) {
      this.#told.add(`probed ${port}`);
      const kind = await probe(host, port);
      if (kind !== undefined) this.#found.set(String(port), { kind, place: { host, port }, pid });
    }
  }

  #forget(key: string): void {
    this.#found.delete(key);
    this.#told.delete(`probed ${key}`);
    if (this.#chosen === key) this.#chosen = undefined;
  }

  async #choose(): Promise<void> {
    const { only, preferred, onChosen, onOther } = this.#options;
    const speaking = [...this.#found].filter(([, { kind }]) => kind !== 'tcp');
    const named = only ?? preferred;
    const wanted = speaking.find(([key]) => key === String(named));
    const first = only === undefined ? (speaking.find(([key]) => key === this.#chosen) ?? speaking[0]) : undefined;
    const [key, listener] = wanted ?? first ?? [];
    if (key !== undefined && listener !== undefined && key !== this.#chosen) {
      this.#chosen = key;
      await onChosen({ kind: listener.kind, place: await reachable(listener.place) });
    }
    if (this.#chosen === undefined || this.#chosen === String(named)) return;
    for (const [other, { place }] of speaking) {
      const port = portOf(place);
      if (other === this.#chosen || port === undefined || this.#told.has(`said ${other}`)) continue;
      this.#told.add(`said ${other}`);
      onOther(port);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }
}

/** An address of this machine for the address of a listener, which may mean all addresses. */
async function reachable(place: Place): Promise<Place> {
  if ('path' in place) return place;
  const { host, port } = place;
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  if (host !== '::') return place;
  // The listener may accept IPv6 only.
  return { host: (await accepts('127.0.0.1', port)) ? '127.0.0.1' : '::1', port };
}
