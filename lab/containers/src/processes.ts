/** What the processes of a container cost, read from the kernel; the engine must be on this machine. */
import { readFile } from 'node:fs/promises';
import { docker } from './run.ts';

/** Ids, on the host, of all processes of a container. */
export async function processesOf(container: string): Promise<number[]> {
  const [, ...rows] = (await docker('top', container, '-eo', 'pid')).split('\n');
  return rows.map(Number);
}

/** The sum of a figure over processes; one that has ended meanwhile counts as nothing. */
async function sum(pids: readonly number[], file: string, pattern: RegExp): Promise<number> {
  const figures = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      return Number(pattern.exec(text)?.[1] ?? 0);
    }),
  );
  return figures.reduce((total, one) => total + one, 0);
}

/**
 * Proportional set size, MB: pages that several processes share (the node program, the C library)
 * are counted in parts. Over all containers the sum is what they really occupy.
 */
export async function proportionalMb(container: string): Promise<number> {
  return (await sum(await processesOf(container), 'smaps_rollup', /^Pss:\s+(\d+)/m)) / 1_024;
}

/**
 * Bytes that the processes have caused to be written to a disk, Documentation/filesystems/proc.rst,
 * `write_bytes`. Writes to memory file systems and sockets do not count.
 */
export async function writtenBytes(container: string): Promise<number> {
  return sum(await processesOf(container), 'io', /^write_bytes:\s+(\d+)/m);
}
