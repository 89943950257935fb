/** A disk of its own, in memory, for tests of full disks; only where this user may mount one. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** The system's, not a package's. */
const [MOUNT, UNMOUNT] = ['mount', 'umount'];
const PARTS = [1_048_576, 4_096, 1];

export interface SmallDisk extends Disposable {
  /** Leaves no room at all. */
  fill(): void;
  free(): void;
}

/** Mounts it at `dir`, which must exist; undefined when this user may not. */
export function smallDisk(dir: string, mebibytes: number): SmallDisk | undefined {
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch {
    return undefined;
  }
  const ballast = path.join(dir, 'ballast');
  return {
    fill() {
      const file = openSync(ballast, 'w');
      for (const size of PARTS) while (takes(file, Buffer.alloc(size)));
      closeSync(file);
    },
    free: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]: () => void execFileSync(UNMOUNT, ['-l', dir]),
  };
}

function takes(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
