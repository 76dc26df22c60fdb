/** Waiting for a server that was just started, and cleaning up after one that was not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './net.ts';
import type { ManagedProcess } from './process.ts';

/**
 * Resolves when `probe` is true; rejects as soon as the process has ended, with its last lines.
 */
export async function untilUp(
  process: ManagedProcess,
  probe: () => Promise<boolean>,
): Promise<void> {
  const { name } = process.spec;
  let ended = false;
  const gone = process.exited().then(() => {
    ended = true;
    throw new Error(`${name} ended:\n${process.lines.slice(-20).join('\n')}`);
  });
  await Promise.race([until(`${name} answers`, async () => ended || (await probe())), gone]);
}

/** Each ends with waits of 120 ms: some five seconds in all. */
const MOST_WALKS = 40;

const folders = new Set<string>();
process.once('exit', () => {
  for (const folder of folders) removeFolder(folder);
});

/** A new folder for data; removed when this process exits unless `removeFolder` did so before. */
export function dataFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
  folders.add(folder);
  return folder;
}

/**
 * Removes a folder with all in it. A process that is ending may still write to it: then the walk
 * through it begins anew (`rmSync` by itself goes back to the folder only, not to what is new in it).
 */
export function removeFolder(folder: string): void {
  folders.delete(folder);
  for (let walk = 1; ; walk += 1) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
      return;
    } catch (error) {
      if (walk === MOST_WALKS) throw error;
    }
  }
}
