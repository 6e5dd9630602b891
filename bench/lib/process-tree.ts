import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process and its descendants used between two looks. */
export interface TreeUsage {
  /** Seconds of CPU, all processes together. */
  readonly cpuSeconds: number;
  /** CPU of the processes named `postgres` alone. */
  readonly databaseCpuSeconds: number;
  /** Largest resident memory seen of all processes that are not `postgres`, in bytes. */
  readonly residentBytes: number;
  /** Largest proportional memory seen of the whole tree, in bytes: shared pages are counted once. */
  readonly proportionalBytes: number;
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly ticks: number;
  readonly residentPages: number;
}

/** Linux gives user space 100 ticks a second, whatever the kernel's own clock is. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const SAMPLE_INTERVAL_MS = 500;

/** Watches a process tree by `/proc`; on other systems everything is 0. Processes that come and go are counted. */
export class ProcessTreeWatch {
  private readonly root: number;
  private readonly firstTicks = new Map<number, number>();
  private readonly lastTicks = new Map<number, { name: string; ticks: number }>();
  private residentBytes = 0;
  private proportionalBytes = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(rootPid: number) {
    this.root = rootPid;
  }

  start(): void {
    this.firstTicks.clear();
    this.lastTicks.clear();
    this.residentBytes = 0;
    this.proportionalBytes = 0;
    for (const process of treeOf(this.root)) this.firstTicks.set(process.pid, process.ticks);
    this.timer = setInterval(() => {
      this.sample();
    }, SAMPLE_INTERVAL_MS);
  }

  stop(): TreeUsage {
    clearInterval(this.timer);
    this.sample();
    let ticks = 0;
    let databaseTicks = 0;
    for (const [pid, last] of this.lastTicks) {
      const used = last.ticks - (this.firstTicks.get(pid) ?? 0);
      ticks += used;
      if (last.name === 'postgres') databaseTicks += used;
    }
    return {
      cpuSeconds: ticks / TICKS_PER_SECOND,
      databaseCpuSeconds: databaseTicks / TICKS_PER_SECOND,
      residentBytes: this.residentBytes,
      proportionalBytes: this.proportionalBytes,
    };
  }

  private sample(): void {
    let resident = 0;
    let proportional = 0;
    for (const process of treeOf(this.root)) {
      this.lastTicks.set(process.pid, { name: process.name, ticks: process.ticks });
      if (process.name !== 'postgres') resident += process.residentPages * PAGE_BYTES;
      proportional += proportionalBytesOf(process);
    }
    this.residentBytes = Math.max(this.residentBytes, resident);
    this.proportionalBytes = Math.max(this.proportionalBytes, proportional);
  }
}

/** Memory of one process at this moment, in bytes. */
export interface ProcessMemory {
  readonly pid: number;
  readonly residentBytes: number;
  /** Pages that several processes share are divided among them. */
  readonly proportionalBytes: number;
}

/** The memory of a process and its descendants, without those named `postgres`. Empty where there is no `/proc`. */
export function memoryOfTree(rootPid: number): ProcessMemory[] {
  return treeOf(rootPid)
    .filter(({ name }) => name !== 'postgres')
    .map((process) => ({
      pid: process.pid,
      residentBytes: process.residentPages * PAGE_BYTES,
      proportionalBytes: proportionalBytesOf(process),
    }));
}

/** The process that listens on a TCP port of this machine, or undefined when that can't be seen. */
export function findListener(port: number): number | undefined {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readText(table).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const localPort = Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16);
      if (localPort === port && fields[3] === '0A') inodes.add(`socket:[${fields[9] ?? ''}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  return processIds().find((pid) => {
    const folder = `/proc/${String(pid)}/fd`;
    return listFolder(folder).some((descriptor) => inodes.has(readLink(`${folder}/${descriptor}`)));
  });
}

function treeOf(root: number): ProcessStat[] {
  const all = processIds().flatMap((pid) => statOf(pid));
  const tree = all.filter((process) => process.pid === root);
  // Grows while it is walked: children are appended behind their parents.
  for (const parent of tree) tree.push(...all.filter((process) => process.parent === parent.pid));
  return tree;
}

function statOf(pid: number): ProcessStat[] {
  const text = readText(`/proc/${String(pid)}/stat`);
  const nameEnd = text.lastIndexOf(')');
  if (nameEnd < 0) return [];
  const fields = text.slice(nameEnd + 2).split(' ');
  return [
    {
      pid,
      parent: Number(fields[1]),
      name: text.slice(text.indexOf('(') + 1, nameEnd),
      ticks: Number(fields[11]) + Number(fields[12]),
      residentPages: Number(fields[21]),
    },
  ];
}

function proportionalBytesOf(process: ProcessStat): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readText(`/proc/${String(process.pid)}/smaps_rollup`));
  return match === null ? process.residentPages * PAGE_BYTES : Number(match[1]) * 1024;
}

function processIds(): number[] {
  return listFolder('/proc').map(Number).filter(Number.isInteger);
}

/** Processes end while they are looked at: what can't be read any more is empty. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
