import { readFileSync } from 'node:fs';

/**
 * Whether a process runs; one that has ended and is not yet collected does not (proc(5)). Whoever
 * collects those whose parent is gone may take its time.
 */
export function isRunning(pid: number | string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
