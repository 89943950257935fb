/**
 * Keeps the JavaScript heap of a long-running process small. V8 sizes heaps by the machine: on a large one the young
 * generation alone takes 128 MB under load, and the old generation doubles before it is collected, although a balancer, a
 * monitor or a service holds some 40 MB: four processes would hold a gigabyte of garbage. With small sizes garbage is
 * collected more often and each process stays near the size of its live objects. Under load a small young generation would
 * cost a fifth of the CPU, because half of it holds requests in flight, which each collection copies again: a process that
 * has been busy for a while therefore gets some MiB more, which V8 takes back when the process is idle.
 * Nothing here limits the old generation: a heap that needs more gets more.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The old generation is collected when it has grown by this share; may be set while a process runs. */
const growingBy = (percent: number): string => `--heap-growing-percent=${percent}`;
/** A collection lets the young generation grow to this many times its size; 1 keeps it as it is. */
const youngBy = (factor: number): string => `--semi-space-growth-factor=${factor}`;
/** Bytes of both halves of the young generation up to which it may grow. */
const YOUNG_LIMIT = 16 * 1024 * 1024;
/** This many collections in each of this many seconds in a row count as lasting work; a start or a burst ends earlier. */
const BUSY_COLLECTIONS = 20;
const BUSY_SECONDS = 3;
const SIZED_BY_FLAGS = /--(?:max|min)[-_]semi[-_]space|--semi[-_]space|--heap[-_]growing|--max[-_]old[-_]space/;

/** How large the generations of one kind of process may be. */
export interface HeapPlan {
  /** The old generation is collected when it has grown by this share of its size. */
  readonly growthPercent: number;
  /** Both halves of the young generation before any work; V8 itself begins with 1 MiB a half. */
  readonly youngBytes: number;
  /** Whether the young generation may grow to `YOUNG_LIMIT` while the process is busy. */
  readonly growsWhenBusy: boolean;
}

/** Processes that hold little: the balancer, the sample services, commands. */
export const SERVICE_HEAP: HeapPlan = { growthPercent: 40, youngBytes: 0, growsWhenBusy: true };

/**
 * The monitor. Its queries and batches make megabytes that live for some milliseconds; a young generation of 1 MiB a half
 * would move them to the old one.
 */
export const MONITOR_HEAP: HeapPlan = { growthPercent: 30, youngBytes: 8 * 1024 ** 2, growsWhenBusy: true };

/** The plan as `execArgv` of a child process: at most 4 MiB for each half of the young generation. */
export const heapFlags = (plan: HeapPlan): string[] => ['--max-semi-space-size=4', growingBy(plan.growthPercent)];

/**
 * V8's helper threads as `execArgv` of a child: one for each other processor, where Node.js takes four on any machine. A
 * collection ends when the last of its threads does, so on two processors it waited for threads that had to share one; and
 * the helpers of heavy queries, which have no low priority, competed with the balancer.
 */
export const helperFlags = (processors: number): string[] => [
  `--v8-pool-size=${Math.min(4, Math.max(1, processors - 1))}`,
];

/**
 * Environment of child processes, where the user sets nothing else: memory beside V8's heap. glibc keeps an arena for each
 * thread and, once a large block was freed, serves later ones of that size from the arena: password hashing (16 MiB a call on
 * four threads) and bodies then leave holes of 30 MiB a service (mallopt(3)). Two arenas are kept, and blocks of a MiB go
 * back to the system when they are freed.
 */
export const LEAN_MALLOC: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
};

const ENOUGH_ARRAYS = 8_000;

/**
 * Applies a plan to this process, which was started without its flags, as far as V8 takes sizes at run time. Call it before
 * anything else is loaded: a young generation that has grown does not shrink soon. Node flags that size the heap have
 * precedence: then this function changes nothing.
 */
export function applyHeapPlan(plan: HeapPlan, nodeFlags: readonly string[]): void {
  if (nodeFlags.some((flag) => SIZED_BY_FLAGS.test(flag))) return;
  setFlagsFromString(growingBy(plan.growthPercent));
  growYoungTo(plan.youngBytes);
  setFlagsFromString(youngBy(1));
  if (plan.growsWhenBusy) growYoungOnceBusy();
}

/**
 * V8 accepts no size at run time, but the generation grows by a factor whenever enough objects have survived: this function
 * makes some survive.
 */
function growYoungTo(bytes: number): void {
  setFlagsFromString(youngBy(4));
  const survivors: number[][] = [];
  while (youngBytes() < bytes && survivors.length < ENOUGH_ARRAYS) {
    // The size is read every 32 KiB or so: reading takes longer than filling.
    for (let i = 0; i < 32; i += 1) survivors.push(Array.from({ length: 128 }, () => i));
  }
}

/** Collections by whole seconds, and how many seconds in a row before this one were busy. */
export interface Pace {
  readonly second: number;
  readonly collections: number;
  readonly busySeconds: number;
}

/** The pace after one more collection at `atMs`. Pure. */
export function paceAfter(pace: Pace, atMs: number): Pace {
  const second = Math.floor(atMs / 1000);
  if (second === pace.second) return { ...pace, collections: pace.collections + 1 };
  const goesOn = second === pace.second + 1 && pace.collections >= BUSY_COLLECTIONS;
  return { second, collections: 1, busySeconds: goesOn ? pace.busySeconds + 1 : 0 };
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? Infinity;

function growYoungOnceBusy(): void {
  let pace: Pace = { second: 0, collections: 0, busySeconds: 0 };
  let worked = false;
  let grows = false;
  new PerformanceObserver((list) => {
    for (const { startTime } of worked ? [] : list.getEntries()) pace = paceAfter(pace, startTime);
    worked ||= pace.busySeconds >= BUSY_SECONDS;
    const may = worked && youngBytes() < YOUNG_LIMIT;
    if (may === grows) return;
    grows = may;
    setFlagsFromString(may ? youngBy(2) : youngBy(1));
  }).observe({ entryTypes: ['gc'] });
}
