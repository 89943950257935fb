/**
 * Finds the TCP ports on which a process tree listens, from /proc (Linux): the sockets of its descriptors are looked up in the
 * listening ones of net/tcp and net/tcp6. On other systems nothing is found and the caller uses the PORT that it set.
 * Source of the formats: proc_pid_net(5), proc_pid_fd(5).
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';
/** IPv6 addresses as net/tcp6 writes them: a listener on one of them is reached by IPv6 loopback. */
const LOOPBACK_6 = '00000000000000000000000001000000';
const ANY_6 = '00000000000000000000000000000000';

export interface TcpListener {
  /** The loopback address at which the listener can be reached. */
  readonly host: '127.0.0.1' | '::1';
  readonly port: number;
  /** Processes that hold the socket. */
  readonly pids: readonly number[];
}

function addressOf(table: string, local: string): Omit<TcpListener, 'pids'> {
  const at = local.lastIndexOf(':');
  const port = Number.parseInt(local.slice(at + 1), 16);
  const address = local.slice(0, at);
  const isSix = table === 'tcp6' && (address === LOOPBACK_6 || address === ANY_6);
  return { host: isSix ? '::1' : '127.0.0.1', port };
}

/** inode → listening TCP socket that `pid` can see. */
function listeningSockets(pid: number): Map<string, Omit<TcpListener, 'pids'>> {
  const found = new Map<string, Omit<TcpListener, 'pids'>>();
  for (const table of ['tcp6', 'tcp']) {
    for (const line of readText(`/proc/${pid}/net/${table}`).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === LISTEN) found.set(fields[9], addressOf(table, fields[1]));
    }
  }
  return found;
}

/** `pid` and all its descendants. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const thread of list(`/proc/${pid}/task`)) {
    for (const child of readText(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean))
      tree.push(...processTree(Number(child)));
  }
  return tree;
}

/** One entry for each port on which the tree of `pid` listens, in the order of the ports. */
export function listeningPorts(pid: number): TcpListener[] {
  const sockets = listeningSockets(pid);
  const found = new Map<number, TcpListener>();
  for (const member of processTree(pid)) {
    for (const descriptor of list(`/proc/${member}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${member}/fd/${descriptor}`))?.[1];
      const listener = inode === undefined ? undefined : sockets.get(inode);
      if (listener === undefined) continue;
      const pids = found.get(listener.port)?.pids ?? [];
      found.set(listener.port, { ...listener, pids: [...pids, member] });
    }
  }
  return [...found.values()].sort((a, b) => a.port - b.port);
}

/** Whether the process was started as Node.js with `option` in its NODE_OPTIONS. */
export function startsNodeWith(pid: number, option: string): boolean {
  const isNode = /\/node(?:js)?(?: \(deleted\))?$/.test(link(`/proc/${pid}/exe`));
  const options = readText(`/proc/${pid}/environ`)
    .split('\0')
    .find((entry) => entry.startsWith('NODE_OPTIONS='));
  return isNode && options?.includes(option) === true;
}

// A process may end between two reads; its files then read as empty.
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
