/**
 * Finds the port on which a process tree listens, from /proc (Linux): the sockets of its descriptors are looked up in the
 * listening ones of net/tcp and net/tcp6. On other systems nothing is found and the caller uses the PORT that it set.
 * Source of the formats: proc_pid_net(5), proc_pid_fd(5).
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

/** inode → port of every listening TCP socket that `pid` can see. */
function listeningSockets(pid: number): Map<string, number> {
  const ports = new Map<string, number>();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readText(`/proc/${pid}/net/${table}`).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === LISTEN)
        ports.set(fields[9], Number.parseInt(fields[1].slice(fields[1].lastIndexOf(':') + 1), 16));
    }
  }
  return ports;
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

/** The lowest port that the tree of `pid` listens on, `preferred` when it is among them; undefined when it listens on none (yet). */
export function listeningPort(pid: number, preferred: number): number | undefined {
  const sockets = listeningSockets(pid);
  const found: number[] = [];
  for (const member of processTree(pid)) {
    for (const descriptor of list(`/proc/${member}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${member}/fd/${descriptor}`))?.[1];
      const port = inode === undefined ? undefined : sockets.get(inode);
      if (port !== undefined) found.push(port);
    }
  }
  return found.includes(preferred) ? preferred : found.sort((a, b) => a - b)[0];
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
