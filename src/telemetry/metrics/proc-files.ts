/** Parsers for the files of Linux in /proc. Each is a pure function of the text of one file and ignores fields it does not know. */

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Ticks of /proc/stat are hundredths of a second on every architecture Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;
const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'interrupt', 'softirq', 'steal'] as const;

/** Seconds by `cpu.mode`, all processors together; soft interrupts count as interrupts. */
export function parseCpu(stat: string): Record<string, number> {
  const [, ...ticks] = (/^cpu .*$/m.exec(stat)?.[0] ?? 'cpu').split(/ +/).map(Number);
  const seconds: Record<string, number> = {};
  CPU_MODES.forEach((name, at) => {
    const mode = name === 'softirq' ? 'interrupt' : name;
    if (ticks[at] !== undefined) seconds[mode] = (seconds[mode] ?? 0) + ticks[at] / TICKS_PER_SECOND;
  });
  return seconds;
}

export interface Memory {
  readonly total: number;
  /** Bytes by `system.memory.state`; the states add up to the total. */
  readonly states: Readonly<Record<'used' | 'free' | 'buffers' | 'cached', number>>;
  readonly swap: Readonly<Record<'used' | 'free', number>>;
}

export function parseMemory(meminfo: string): Memory {
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1_024;
  const [total, free, buffers] = [of('MemTotal'), of('MemFree'), of('Buffers')];
  const cached = of('Cached') + of('SReclaimable');
  const swapFree = of('SwapFree');
  return {
    total,
    states: { used: Math.max(0, total - free - buffers - cached), free, buffers, cached },
    swap: { used: of('SwapTotal') - swapFree, free: swapFree },
  };
}

export interface Disk {
  readonly device: string;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads: number;
  readonly writes: number;
}

const SECTOR_BYTES = 512;

/** Whole disks with at least one operation. Partitions, loop and memory devices would count the same bytes twice. */
export function parseDisks(diskstats: string): Disk[] {
  return lines(diskstats)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , name = '']) =>
        !/^(?:loop|ram|zram|dm-|md|sr|fd)\d|^(?:[svh]|xv)d[a-z]+\d|^(?:nvme|mmcblk).*p\d+$/.test(name),
    )
    .map(([, , device = '', reads, , readSectors, , writes, , writeSectors]) => ({
      device,
      reads: Number(reads),
      writes: Number(writes),
      readBytes: Number(readSectors) * SECTOR_BYTES,
      writeBytes: Number(writeSectors) * SECTOR_BYTES,
    }))
    .filter((disk) => disk.reads + disk.writes > 0);
}

export interface Interface {
  readonly name: string;
  readonly receive: { readonly bytes: number; readonly errors: number; readonly dropped: number };
  readonly transmit: { readonly bytes: number; readonly errors: number; readonly dropped: number };
}

/** Interfaces that carried traffic, without loopback. */
export function parseNetwork(netDev: string): Interface[] {
  return lines(netDev)
    .map((line) => /^\s*([^:\s]+):\s*(.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, name, rest]) => {
      const n = rest.split(/\s+/).map(Number);
      return {
        name,
        receive: { bytes: n[0], errors: n[2], dropped: n[3] },
        transmit: { bytes: n[8], errors: n[10], dropped: n[11] },
      };
    })
    .filter(({ name, receive, transmit }) => name !== 'lo' && receive.bytes + transmit.bytes > 0);
}

/** Bytes and counts of /proc/self/status and /proc/self/io by the names in the file. */
export function parseFields(text: string): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const line of lines(text)) {
    const found = /^(\w+):\s+(\d+)(?: (kB))?$/.exec(line);
    if (found) fields[found[1]] = Number(found[2]) * (found[3] === 'kB' ? 1_024 : 1);
  }
  return fields;
}
